import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { collect } from '../support/events.ts';
import { connectClients } from '../support/harness.ts';
import { type Holdings, holdingsAtRest, serve } from '../support/served.ts';
import { SOAK } from '../support/soak.ts';

/** With `child_process` a start costs several times as much, and of each a leak shows as well. */
const SOME = process.env['TEST_LAUNCHER'] === 'child_process' ? 1_000 : 2_000;
const PROCESSES = SOAK ? 10_000 : SOME;
const AT_ONCE = 64;
/** As many are retained at a time: for so many the heap has to grow, whatever comes after. */
const A_SESSION = 1_000;

/** What a collector of garbage and an allocator keep for themselves, whatever was run. */
const SLACK_BYTES = 32 * 1024 * 1024;

describe('a server that ran many short processes', () => {
  it(
    'told every status, and holds what it held before: descriptors, timers, zombies, memory',
    async () => {
      const served = await serve();
      const { processes, sessions } = connectClients(served.address);
      const runOne = async (sessionId: string): Promise<void> => {
        const code = randomInt(256);
        const spec = { argv: ['/bin/sh', '-c', `echo ${code}; exit ${code}`] };
        const { process } = await processes.startProcess({ sessionId, spec });
        const target = { sessionId, processId: process?.processId ?? '' };
        const events = await collect(processes.watchProcess(target));
        const exited = events.find(({ event }) => event.case === 'exited')?.event;
        expect(exited?.case === 'exited' && exited.value.status?.status).toEqual({
          case: 'code',
          value: code,
        });
      };
      const runSession = async (): Promise<void> => {
        const { session } = await sessions.createSession({});
        const sessionId = session?.sessionId ?? '';
        let left = A_SESSION;
        const worker = async (): Promise<void> => {
          while (left-- > 0) await runOne(sessionId);
        };
        await Promise.all(Array.from({ length: AT_ONCE }, worker));
        await sessions.closeSession({ sessionId });
      };
      const counted = ({ descriptors, resources, zombies }: Holdings): unknown => ({
        descriptors,
        resources,
        zombies,
      });

      // From here on it has what it makes once: code, pools, a connection.
      await runSession();
      const before = await holdingsAtRest(served);
      expect(before.zombies).toBe(0);
      for (let ran = 0; ran < PROCESSES; ran += A_SESSION) await runSession();
      // What the last call left is gone a moment after its answer.
      await expect.poll(async () => counted(await served.holdings())).toEqual(counted(before));
      await expect
        .poll(async () => (await served.holdings()).rss - before.rss)
        .toBeLessThan(SLACK_BYTES);
    },
    SOAK ? 1_200_000 : 600_000,
  );
});

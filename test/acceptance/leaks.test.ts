import { describe, expect, it } from 'vitest';
import { collect } from '../support/events.ts';
import { connectClients } from '../support/harness.ts';
import { serve } from '../support/served.ts';

const PROCESSES = 2_000;
const AT_ONCE = 16;

describe('a server that ran many short processes', () => {
  it('holds what it held before: descriptors, timers, zombies', async () => {
    const served = await serve();
    const { processes, sessions } = connectClients(served.address);
    const runOne = async (sessionId: string, i: number): Promise<void> => {
      const spec = { argv: ['/bin/sh', '-c', `echo ${i}; exit ${i % 256}`] };
      const { process } = await processes.startProcess({ sessionId, spec });
      const target = { sessionId, processId: process?.processId ?? '' };
      const events = await collect(processes.watchProcess(target));
      const exited = events.find(({ event }) => event.case === 'exited')?.event;
      expect(exited?.case === 'exited' && exited.value.status?.status.value).toBe(i % 256);
    };
    const runMany = async (count: number): Promise<void> => {
      const { session } = await sessions.createSession({});
      const sessionId = session?.sessionId ?? '';
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < count) await runOne(sessionId, next++);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      await sessions.closeSession({ sessionId });
    };

    await runMany(50);
    const before = await served.holdings();
    await runMany(PROCESSES);
    expect(before.zombies).toBe(0);
    // What the last call left is gone a moment after its answer.
    await expect
      .poll(async () => ({ ...(await served.holdings()), rss: 0 }), { timeout: 30_000 })
      .toEqual({ ...before, rss: 0 });
  });
});

import { describe, expect, it } from 'vitest';
import { StartStage } from '../../src/gen/runlet/v1/error_pb.ts';
import { StdinMode } from '../../src/gen/runlet/v1/process_pb.ts';
import { type Failure, failureOf } from '../support/failure.ts';
import { connectClients } from '../support/harness.ts';
import { CAN_SERVE_AS_ORDINARY_USER, ORDINARY_USER } from '../support/ordinary-user.ts';
import { HAS_PRLIMIT, limitThatLeaves, lowerLimit } from '../support/rlimits.ts';
import { holdingsAtRest, type Served, serve, serveAs } from '../support/served.ts';

const { SPAWN, TERMINAL } = StartStage;

type Spec =
  | { readonly stdin: StdinMode }
  | { readonly terminal: object }
  | { readonly limits: { readonly coreBytes: bigint } };

/** Starts `exit 3` on a server. */
async function starter(
  served: Served,
  more: Spec,
): Promise<{ readonly start: () => Promise<unknown>; readonly pid: number }> {
  const { processes, sessions } = connectClients(served.address);
  const { session } = await sessions.createSession({});
  const sessionId = session?.sessionId ?? '';
  const start = async (): Promise<unknown> => {
    const spec = { argv: ['/bin/sh', '-c', 'exit 3'], ...more };
    const { process } = await processes.startProcess({ sessionId, spec });
    const target = { sessionId, processId: process?.processId ?? '' };
    return (await processes.waitProcess(target)).process?.status?.status;
  };
  const { pid } = served.child;
  if (pid === undefined) throw new Error('the server has no pid');
  // From here on it has what it makes once: threads, a connection.
  expect(await start()).toEqual({ case: 'code', value: 3 });
  return { start, pid };
}

/** Does a start that may fail; undefined: it succeeded. */
async function failureIn(start: () => Promise<unknown>): Promise<Failure | undefined> {
  let succeeded = false;
  const started = start().then(() => {
    succeeded = true;
  });
  try {
    return await failureOf(started);
  } catch (error) {
    if (succeeded) return undefined;
    throw error;
  }
}

describe.skipIf(!HAS_PRLIMIT)('a server that has few descriptors left (needs prlimit)', () => {
  it.each<[string, string, Spec, StartStage]>([
    ['pipes', 'posix_spawn', { stdin: StdinMode.PIPE }, SPAWN],
    ['a terminal', 'posix_spawn', { terminal: {} }, TERMINAL],
    ['limits', 'posix_spawn', { limits: { coreBytes: 0n } }, SPAWN],
    ['the streams of Node.js', 'child_process', { stdin: StdinMode.PIPE }, SPAWN],
  ])(
    'says so, and loses none of them, wherever a start with %s runs out',
    async (_what, launcher, more, stage) => {
      // Whether there is room for files is tried now and then, which takes a descriptor for a moment.
      const served = await serve('--launcher', launcher, '--output-disk', '0');
      const { pid, start } = await starter(served, more);
      const count = async (): Promise<number> => (await served.holdings()).descriptors;
      const { descriptors: before } = await holdingsAtRest(served);
      let free = 0;
      for (; ; free++) {
        const raise = lowerLimit(pid, 'nofile', await limitThatLeaves(pid, free));
        const failure = await failureIn(start);
        raise();
        // Node.js leaves some open, and there is no way to close them: docs/launchers.md.
        if (launcher !== 'child_process') await expect.poll(count).toBe(before);
        if (failure === undefined) break;
        const { startFailure, summary } = failure;
        expect({ free, startFailure, summary }).toMatchObject({
          free,
          // The latter where the child that is to be limited cannot be looked for.
          startFailure: { stage, errnoName: expect.stringMatching(/^(EMFILE|EAGAIN)$/) },
          summary: 'FAILED_PRECONDITION/START_FAILED',
        });
      }
      expect(free).toBeGreaterThan(2);
      expect(await start()).toEqual({ case: 'code', value: 3 });
    },
  );
});

describe.skipIf(!HAS_PRLIMIT || !CAN_SERVE_AS_ORDINARY_USER)(
  'a server whose user may have no more processes (needs prlimit)',
  () => {
    it.each<[string, Spec, readonly string[]]>([
      ['pipes', { stdin: StdinMode.PIPE }, []],
      ['a terminal', { terminal: {} }, ['--launcher', 'posix_spawn']],
    ])(
      'says EAGAIN, and loses nothing, when one is started with %s',
      async (_what, more, flags) => {
        const served = await serveAs(ORDINARY_USER, ...flags);
        const { pid, start } = await starter(served, more);
        const { descriptors: before } = await holdingsAtRest(served);
        const raise = lowerLimit(pid, 'nproc', 1, ORDINARY_USER);
        const failure = await failureOf(start());
        expect(failure.summary).toBe('FAILED_PRECONDITION/START_FAILED');
        expect(failure.startFailure).toMatchObject({ stage: SPAWN, errnoName: 'EAGAIN' });
        await expect.poll(async () => (await served.holdings()).descriptors).toBe(before);
        raise();
        expect(await start()).toEqual({ case: 'code', value: 3 });
      },
    );
  },
);

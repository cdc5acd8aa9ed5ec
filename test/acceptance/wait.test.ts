import { describe, expect, it } from 'vitest';
import { OutputStream } from '../../src/gen/runlet/v1/event_pb.ts';
import { ProcessState, WaitUntil } from '../../src/gen/runlet/v1/process_pb.ts';
import { failureOf } from '../support/failure.ts';
import { startHarness } from '../support/harness.ts';
import { awaitRelease, release, startShell } from '../support/shell.ts';

/** Exits at once with 3, and leaves a child that holds its output until `go` is released. */
const LEAVES_A_CHILD = `(${awaitRelease('go')}) & exit 3`;

describe('a wait', () => {
  it('until the exit is over when the process exits, though its output is still open', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const target = await startShell(harness, LEAVES_A_CHILD);
    const until = WaitUntil.EXITED;
    const { process } = await processes.waitProcess({ ...target, until });
    expect(process?.state).toBe(ProcessState.EXITED);
    expect(process?.status?.status).toEqual({ case: 'code', value: 3 });
    await release(harness, 'go');
    await processes.waitProcess(target);
  });

  it.each([WaitUntil.CLOSED, WaitUntil.UNSPECIFIED])(
    'until the closure is over when its output is closed too (%i)',
    async (until) => {
      const harness = await startHarness();
      const { processes } = harness;
      const target = await startShell(harness, LEAVES_A_CHILD);
      let over = false;
      const waiting = processes.waitProcess({ ...target, until }).finally(() => {
        over = true;
      });
      await processes.waitProcess({ ...target, until: WaitUntil.EXITED });
      expect(over).toBe(false);
      await release(harness, 'go');
      expect((await waiting).process?.state).toBe(ProcessState.CLOSED);
    },
  );

  it.each([WaitUntil.EXITED, WaitUntil.CLOSED])(
    'for what has happened already is over at once (%i)',
    async (until) => {
      const harness = await startHarness();
      const target = await startShell(harness, 'exit 3');
      await harness.processes.waitProcess(target);
      const { process } = await harness.processes.waitProcess({ ...target, until });
      expect(process?.state).toBe(ProcessState.CLOSED);
      expect(process?.status?.status).toEqual({ case: 'code', value: 3 });
    },
  );

  it('tells what became of the process: what it used, and how much it wrote', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const target = await startShell(harness, `printf four; ${LEAVES_A_CHILD}`);
    const exited = await processes.waitProcess({ ...target, until: WaitUntil.EXITED });
    expect(exited.process?.usage?.wallTime).toBeDefined();
    expect(exited.process).toMatchObject({ totals: [], outputComplete: false });
    await release(harness, 'go');
    const { process } = await processes.waitProcess(target);
    expect(process?.totals.map(({ stream, bytes }) => [stream, bytes])).toEqual([
      [OutputStream.STDOUT, 4n],
      [OutputStream.STDERR, 0n],
    ]);
    expect(process).toMatchObject({ outputComplete: true, hasStdin: false, hasTerminal: false });
  });

  it('that passes its deadline fails, and the process goes on as it was', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const target = await startShell(harness, `${awaitRelease('go')}; exit 5`);
    for (const until of [WaitUntil.EXITED, WaitUntil.CLOSED]) {
      const deadline = new Date(Date.now() + 200);
      const wait = processes.waitProcess({ ...target, until }, { deadline });
      expect((await failureOf(wait)).summary).toBe('DEADLINE_EXCEEDED/undefined');
    }
    expect((await processes.getProcess(target)).process?.state).toBe(ProcessState.RUNNING);
    await release(harness, 'go');
    const { process } = await processes.waitProcess(target);
    expect(process?.status?.status).toEqual({ case: 'code', value: 5 });
  });

  it('that is given up fails, and another one goes on', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const target = await startShell(harness, `${awaitRelease('go')}; exit 6`);
    const abort = new AbortController();
    const given = failureOf(processes.waitProcess(target, { signal: abort.signal }));
    const kept = processes.waitProcess(target);
    // Both have begun once a later call on the connection is answered.
    await processes.getProcess(target);
    abort.abort();
    expect((await given).summary).toBe('CANCELLED/undefined');
    await release(harness, 'go');
    expect((await kept).process?.status?.status).toEqual({ case: 'code', value: 6 });
  });
});

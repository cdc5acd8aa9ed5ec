import { describe, expect, it } from 'vitest';
import { EndReason } from '../../src/gen/runlet/v1/event_pb.ts';
import { Signal } from '../../src/gen/runlet/v1/signal_pb.ts';
import { collect, isStdout, outputOf, readUntil, summarize } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { FakeClock, passTime } from '../support/fake-clock.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { isAlive, pidFrom } from '../support/pids.ts';
import { release, startShell, type Target } from '../support/shell.ts';

const MIB = 1024 * 1024;
const none = { seconds: 0n, nanos: 0 };
const long = { seconds: 3_000n, nanos: 0 };

/** Starts a script and waits for the first thing that it prints. */
async function startReady(
  harness: Harness,
  script: string,
): Promise<{ target: Target; first: string; rest: () => Promise<readonly string[]> }> {
  const target = await startShell(harness, script);
  const watch = harness.processes.watchProcess(target)[Symbol.asyncIterator]();
  const events = await readUntil(watch, isStdout);
  const rest = async (): Promise<readonly string[]> =>
    summarize(await readUntil(watch, ({ event }) => event.case === 'closed'));
  return { target, first: outputOf(events).toString(), rest };
}

describe('a process that is terminated', () => {
  it('may end in its own way: its output and exit code are kept, and the reason says why', async () => {
    const harness = await startHarness();
    const { rest, target } = await startReady(
      harness,
      `trap "head -c ${MIB} /dev/zero; echo bye >&2; exit 3" TERM; echo ready; while :; do sleep 0.01; done`,
    );
    const answer = await harness.processes.terminateProcess({ ...target, grace: long });
    expect(answer.wasRunning).toBe(true);
    expect(answer.process?.reason).toBe(EndReason.TERMINATED);
    expect(answer.process?.status?.status).toEqual({ case: 'code', value: 3 });
    expect((await rest()).slice(-2)).toEqual(['exited code 3 reason 4', 'closed true']);
    const output = outputOf(await collect(harness.processes.watchProcess(target)));
    expect(output.byteLength).toBe('ready\n'.length + MIB);
  });

  it('is killed when its grace is over, and not before', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock, limits: { heartbeatMs: 1_000_000 } });
    const { processes } = harness;
    const script = `trap "echo term" TERM; echo ready
      while :; do if [ -e go ]; then rm go; echo alive; fi; sleep 0.01; done`;
    const target = await startShell(harness, script);
    const watch = processes.watchProcess(target)[Symbol.asyncIterator]();
    await readUntil(watch, isStdout);
    const grace = { seconds: 10n, nanos: 0 };
    const terminated = processes.terminateProcess({ ...target, grace });
    expect(outputOf(await readUntil(watch, isStdout)).toString()).toBe('term\n');
    clock.advance(9_999);
    await release(harness, 'go');
    expect(outputOf(await readUntil(watch, isStdout)).toString()).toBe('alive\n');
    clock.advance(1);
    const rest = await readUntil(watch, ({ event }) => event.case === 'closed');
    expect(summarize(rest).slice(-2)).toEqual(['exited signal 9 reason 4', 'closed true']);
    // Time passes again: what the leader left behind is looked at now and then.
    const { process } = await passTime(clock, terminated);
    expect(process?.status?.status).toEqual({ case: 'signal', value: Signal.KILL });
    expect(process?.reason).toBe(EndReason.TERMINATED);
  });

  it('and is killed by a signal of somebody else in its grace, keeps the reason', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const script = 'trap "echo term" TERM; echo ready; while :; do sleep 0.01; done';
    const target = await startShell(harness, script);
    const watch = processes.watchProcess(target)[Symbol.asyncIterator]();
    await readUntil(watch, isStdout);
    const terminated = processes.terminateProcess({ ...target, grace: long });
    expect(outputOf(await readUntil(watch, isStdout)).toString()).toBe('term\n');
    await processes.signalProcess({ ...target, signal: Signal.KILL });
    const { process } = await terminated;
    expect(process?.reason).toBe(EndReason.TERMINATED);
    expect(process?.status?.status).toEqual({ case: 'signal', value: Signal.KILL });
  });

  it('without a grace never sees SIGTERM', async () => {
    const harness = await startHarness();
    const { rest, target } = await startReady(
      harness,
      'trap "echo seen" TERM; echo ready; while :; do sleep 0.01; done',
    );
    await harness.processes.terminateProcess({ ...target, grace: none });
    expect(await rest()).toEqual(['exited signal 9 reason 4', 'closed true']);
  });

  it('by a second call with a shorter grace is killed by that, and both calls return', async () => {
    const harness = await startHarness();
    const { target } = await startReady(
      harness,
      'trap "echo term" TERM; echo ready; while :; do sleep 0.01; done',
    );
    const patient = harness.processes.terminateProcess({ ...target, grace: long });
    const hasty = harness.processes.terminateProcess({ ...target, grace: none });
    for (const { process } of await Promise.all([patient, hasty])) {
      expect(process?.status?.status).toEqual({ case: 'signal', value: Signal.KILL });
    }
  });

  it('takes its group along', async () => {
    const harness = await startHarness();
    const { first, target } = await startReady(
      harness,
      'sh -c "trap \\"\\" TERM; echo \\$\\$; while :; do sleep 0.01; done" & wait',
    );
    expect(isAlive(pidFrom(first))).toBe(true);
    const grace = { seconds: 0n, nanos: 50_000_000 };
    await harness.processes.terminateProcess({ ...target, grace });
    expect(isAlive(pidFrom(first))).toBe(false);
  });

  it('after it exited was not running, keeps its end, and its group is ended', async () => {
    const harness = await startHarness();
    const { first, rest, target } = await startReady(
      harness,
      '(sh -c "echo \\$\\$; exec sleep 1000") & read -r x < /dev/null; exit 6',
    );
    await harness.processes.waitProcess({ ...target, until: 2 });
    const answer = await harness.processes.terminateProcess(target);
    expect(answer.wasRunning).toBe(false);
    expect(answer.process?.reason).toBe(EndReason.EXITED);
    expect(answer.process?.status?.status).toEqual({ case: 'code', value: 6 });
    expect(isAlive(pidFrom(first))).toBe(false);
    expect((await rest()).at(-1)).toBe('closed true');
  });

  it('after it closed was not running', async () => {
    const harness = await startHarness();
    const target = await startShell(harness, 'exit 2');
    await harness.processes.waitProcess(target);
    const answer = await harness.processes.terminateProcess(target);
    expect(answer.wasRunning).toBe(false);
    expect(answer.process?.status?.status).toEqual({ case: 'code', value: 2 });
  });
});

describe('a session that is closed', () => {
  it('ends its processes and what they left behind, and its id is unknown', async () => {
    const harness = await startHarness();
    const { processes, sessionId, sessions } = harness;
    const { first, rest } = await startReady(harness, 'echo $$; while :; do sleep 0.01; done');
    const left = await startReady(harness, '(sh -c "echo \\$\\$; exec sleep 1000") & exit 0');
    await sessions.closeSession({ sessionId });
    expect([first, left.first].map((text) => isAlive(pidFrom(text)))).toEqual([false, false]);
    expect(await rest()).toEqual(['exited signal 15 reason 6', 'closed true']);
    for (const call of [
      sessions.getSession({ sessionId }),
      processes.listProcesses({ sessionId }),
      startShell(harness, 'true'),
    ]) {
      expect((await failureOf(call)).summary).toBe('NOT_FOUND/SESSION_NOT_FOUND');
    }
    await sessions.closeSession({ sessionId });
  });

  it('lets a watcher have all that was written, though nobody was reading', async () => {
    const harness = await startHarness();
    const bytes = 2_000_000;
    const target = await startShell(harness, `head -c ${bytes} /dev/zero; echo >&2; sleep 1000`);
    const watch = harness.processes.watchProcess(target)[Symbol.asyncIterator]();
    const first = await readUntil(watch, ({ event }) => event.case === 'started');
    await harness.processes.readProcess({ ...target, wait: long });
    const closed = harness.sessions.closeSession({ sessionId: harness.sessionId });
    const rest = await readUntil(watch, ({ event }) => event.case === 'closed');
    await closed;
    const read = outputOf([...first, ...rest]).byteLength;
    const last = rest.at(-1)?.event;
    expect(last?.case === 'closed' && last.value.totals[0]?.bytes).toBe(BigInt(read));
  });
});

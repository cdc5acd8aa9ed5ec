import { describe, expect, it } from 'vitest';
import { EndReason } from '../../src/gen/runlet/v1/event_pb.ts';
import { Signal } from '../../src/gen/runlet/v1/signal_pb.ts';
import { DEFAULT_GRACE_MS } from '../../src/limits.ts';
import { collect, isStdout, outputOf, readUntil, summarize } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { FakeClock, passTime } from '../support/fake-clock.ts';
import { startHarness } from '../support/harness.ts';
import { isAlive, pidFrom } from '../support/pids.ts';
import { startShell } from '../support/shell.ts';

const limits = { heartbeatMs: 1_000_000 };
const timeout = { seconds: 10n, nanos: 0 };

describe('a process that runs for longer than its timeout', () => {
  it('may end in its own way, and the reason is the timeout', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock, limits });
    const script = 'trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.01; done';
    const target = await startShell(harness, script, { timeout });
    const watch = harness.processes.watchProcess(target)[Symbol.asyncIterator]();
    await readUntil(watch, isStdout);
    clock.advance(9_999);
    expect((await harness.processes.getProcess(target)).process?.reason).toBe(
      EndReason.UNSPECIFIED,
    );
    clock.advance(1);
    const rest = await readUntil(watch, ({ event }) => event.case === 'closed');
    expect(outputOf(rest).toString()).toBe('bye\n');
    expect(summarize(rest).slice(-2)).toEqual(['exited code 3 reason 3', 'closed true']);
  });

  it('is killed with all that came of it when the grace is over', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock, limits });
    const script = `trap "" TERM; setsid sh -c 'trap "" TERM; echo $$; while :; do sleep 0.01; done' & wait; wait`;
    const target = await startShell(harness, script, { timeout });
    const watch = harness.processes.watchProcess(target)[Symbol.asyncIterator]();
    const pid = pidFrom(outputOf(await readUntil(watch, isStdout)).toString());
    clock.advance(10_000);
    await expect
      .poll(() => {
        clock.advance(DEFAULT_GRACE_MS);
        return isAlive(pid);
      })
      .toBe(false);
    const { process } = await harness.processes.waitProcess(target);
    expect(process?.reason).toBe(EndReason.TIMED_OUT);
    expect(process?.status?.status).toEqual({ case: 'signal', value: Signal.KILL });
  });
});

describe('a process that ends before its timeout', () => {
  it('leaves no timer, and keeps its reason', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock, limits });
    const before = clock.pending;
    const target = await startShell(harness, 'exit 124', {
      timeout,
      drainTimeout: timeout,
      retention: { seconds: 0n, nanos: 0 },
    });
    const events = await collect(harness.processes.watchProcess(target));
    expect(summarize(events)).toContain('exited code 124 reason 1');
    clock.advance(0);
    expect(clock.pending).toBe(before);
  });
});

describe('output that others hold open after the exit', () => {
  it('is read until the drain timeout, and is then said not to be complete', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock, limits });
    const drainTimeout = { seconds: 1n, nanos: 0 };
    const script = '(sh -c "echo \\$\\$; exec sleep 300") & exit 0';
    const target = await startShell(harness, script, { drainTimeout });
    const watch = harness.processes.watchProcess(target)[Symbol.asyncIterator]();
    const first = await readUntil(watch, ({ event }) => event.case === 'exited');
    expect(summarize(first)).toContain('exited code 0 reason 1');
    let events = first;
    while (!events.some(isStdout)) events = [...events, ...(await readUntil(watch, isStdout))];
    const pid = pidFrom(outputOf(events).toString());
    clock.advance(999);
    expect((await harness.processes.getProcess(target)).process?.closeTime).toBeUndefined();
    clock.advance(1);
    expect(summarize(await readUntil(watch, ({ event }) => event.case === 'closed'))).toEqual([
      'closed false',
    ]);
    // The sleeper is not harmed by that, and can still be ended.
    expect(isAlive(pid)).toBe(true);
    // Time passes again: what the leader left behind is looked at now and then.
    await passTime(clock, harness.processes.terminateProcess(target));
    expect(isAlive(pid)).toBe(false);
  });

  it('is not waited for at all where the drain timeout is zero', async () => {
    const harness = await startHarness();
    const drainTimeout = { seconds: 0n, nanos: 0 };
    const target = await startShell(harness, 'sleep 300 & echo said; exit 0', { drainTimeout });
    const events = await collect(harness.processes.watchProcess(target));
    expect(summarize(events).slice(1)).toEqual([
      'stdout@0 "said\\n"',
      'exited code 0 reason 1',
      'closed false',
    ]);
    await harness.processes.terminateProcess(target);
  });
});

describe('a timeout', () => {
  it('that makes no sense is refused', async () => {
    const harness = await startHarness();
    for (const [field, spec] of [
      ['spec.timeout', { timeout: { seconds: 0n, nanos: 0 } }],
      ['spec.timeout', { timeout: { seconds: -1n, nanos: 0 } }],
      ['spec.timeout', { timeout: { seconds: 3_000_000n, nanos: 0 } }],
      ['spec.drain_timeout', { drainTimeout: { seconds: -1n, nanos: 0 } }],
    ] as const) {
      const failure = await failureOf(startShell(harness, 'true', spec));
      expect(failure.summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
      expect(failure.badRequest?.fieldViolations[0]?.field).toBe(field);
    }
  });
});

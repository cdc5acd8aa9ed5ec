import { describe, expect, it } from 'vitest';
import { outputOf, readUntil, summarize } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { startHarness } from '../support/harness.ts';
import { startShell } from '../support/shell.ts';

const RETENTION_MS = 1_000;
const retention = { seconds: 1n, nanos: 0 };
/** Heartbeats would come as the clock goes on; they have a test of their own. */
const limits = { heartbeatMs: 1_000_000 };

describe('a closed process', () => {
  it('is evicted when its retention is over, and its id says so until it is used again', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock, limits });
    const { processes } = harness;
    const target = await startShell(harness, 'echo first', { retention }, 'job');
    await processes.waitProcess(target);
    clock.advance(RETENTION_MS);
    for (const call of [
      processes.getProcess(target),
      processes.readProcess(target),
      processes.waitProcess(target),
      processes.terminateProcess(target),
    ]) {
      expect((await failureOf(call)).summary).toBe('NOT_FOUND/PROCESS_EVICTED');
    }
    expect((await processes.listProcesses(target)).processes).toEqual([]);
    const unknown = { ...target, processId: 'never' };
    expect((await failureOf(processes.getProcess(unknown))).summary).toBe(
      'NOT_FOUND/PROCESS_NOT_FOUND',
    );
    await startShell(harness, 'echo second', { retention }, 'job');
    await processes.waitProcess(target);
    expect(outputOf((await processes.readProcess(target)).events).toString()).toBe('second\n');
  });

  it('with no retention is evicted at once, though a watcher has it to the end', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock, limits });
    const target = await startShell(harness, 'read line; echo $line', {
      retention: { seconds: 0n, nanos: 0 },
      stdin: 2,
    });
    const watch = harness.processes.watchProcess(target)[Symbol.asyncIterator]();
    await readUntil(watch, ({ event }) => event.case === 'started');
    await harness.processes.writeStdin({ ...target, data: Buffer.from('hello\n') });
    const rest = await readUntil(watch, ({ event }) => event.case === 'closed');
    expect(outputOf(rest).toString()).toBe('hello\n');
    await watch.next();
    clock.advance(0);
    expect((await failureOf(harness.processes.getProcess(target))).summary).toBe(
      'NOT_FOUND/PROCESS_EVICTED',
    );
  });

  it('is not evicted while a reader that began before is reading', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock, limits });
    const { processes } = harness;
    // More than the transport holds, so that the reader is not done until it reads.
    const bytes = 32_000_000;
    const output = { retainedBytes: BigInt(2 * bytes) };
    const script = `head -c ${bytes} /dev/zero`;
    const target = await startShell(harness, script, { retention, output }, 'job');
    await processes.waitProcess(target);
    const watch = processes.watchProcess(target)[Symbol.asyncIterator]();
    const first = await watch.next();
    clock.advance(100 * RETENTION_MS);
    expect((await processes.getProcess(target)).process?.processId).toBe('job');
    const rest = await readUntil(watch, ({ event }) => event.case === 'closed');
    const read = outputOf([...(first.value?.events ?? []), ...rest]);
    expect(read.byteLength).toBe(bytes);
    expect((await watch.next()).done).toBe(true);
    expect((await failureOf(processes.getProcess(target))).summary).toBe(
      'NOT_FOUND/PROCESS_EVICTED',
    );
  });

  it('wakes a long poll that waits for its end', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const target = await startShell(harness, 'read line', { stdin: 2 });
    const wait = { seconds: 30n, nanos: 0 };
    const poll = processes.readProcess({ ...target, afterSeq: 1n, wait });
    await processes.writeStdin({ ...target, eof: true });
    expect(summarize((await poll).events)[0]).toBe('stdinClosed');
    await processes.waitProcess(target);
    const last = await processes.readProcess({ ...target, afterSeq: 3n });
    expect(summarize(last.events)).toEqual(['closed true']);
    // Nothing will ever follow, so there is nothing to wait for.
    const beyond = await processes.readProcess({ ...target, afterSeq: 4n, wait });
    expect(beyond.events).toEqual([]);
    expect(beyond.nextAfterSeq).toBe(4n);
  });
});

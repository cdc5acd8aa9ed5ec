import { describe, expect, it } from 'vitest';
import { ProcessState } from '../../../src/gen/runlet/v1/process_pb.ts';
import { ANYBODY } from '../../../src/identity/principal.ts';
import { STATS_MESSAGE_BYTES } from '../../../src/limits.ts';
import { readNow } from '../../support/output.ts';
import { StatsRig, scanOf, settled } from './rig.ts';

const SECOND = 1_000;

describe('a stream of what is used', () => {
  it('has a round at once, and one in each interval', async () => {
    const rig = new StatsRig();
    await rig.start(rig.session(), 'one');
    // Not at a whole second, so that the first wait is shorter.
    rig.clock.skip(300);
    const { reader } = rig.watch();
    const { end, reset } = await reader.round();
    expect(reset).toBe(true);
    expect(end.totals).toMatchObject({ detachedSessions: 1, runningProcesses: 1 });
    const times = [end];
    times.push(await rig.after(700, reader));
    times.push(await rig.after(SECOND, reader));
    expect(times.map(({ elapsed }) => (elapsed?.nanos ?? 0) / 1e6)).toEqual([300, 0, 0]);
    expect(times.map(({ skipped }) => skipped)).toEqual([0, 0, 0]);
  });

  it('tells of nothing but what has changed', async () => {
    const rig = new StatsRig();
    const session = rig.session();
    await rig.start(session, 'quiet');
    await rig.start(session, 'loud');
    const { reader } = rig.watch();
    await reader.round();
    rig.launcher.print(Buffer.from('hello'));
    await settled();
    const next = reader.round();
    await settled();
    rig.clock.advance(SECOND);
    const { messages } = await next;
    expect(messages).toMatchObject([{ sessions: [], processes: [{ outputBytes: 5n }] }]);
    expect(messages[0]?.processes[0]?.info).toBeUndefined();
    expect(reader.process('loud')?.outputBytes).toBe(5n);
    expect(reader.process('quiet')?.outputBytes).toBe(0n);
  });

  it('tells what has ended, and what is gone', async () => {
    const rig = new StatsRig();
    const session = rig.session();
    await rig.start(session, 'short');
    const { reader } = rig.watch();
    await reader.round();
    rig.launcher.exitOne();
    await settled();
    await rig.after(SECOND, reader);
    expect(reader.process('short')).toMatchObject({ state: ProcessState.CLOSED, members: 0 });
    const closing = rig.sessions.close(session.id, ANYBODY);
    await settled();
    rig.clock.advance(SECOND);
    await closing;
    await rig.after(SECOND, reader);
    expect([reader.sessions.size, reader.processes.size]).toEqual([0, 0]);
  });

  it('tells how far the slowest reader of a process is behind', async () => {
    const rig = new StatsRig();
    const session = rig.session();
    await rig.start(session, 'one');
    const slow = session.processes.openCursor('one', 0);
    const fast = session.processes.openCursor('one', 0);
    rig.launcher.print(Buffer.from('0123456789'));
    await settled();
    readNow(fast, 1_000);
    const { reader } = rig.watch();
    await reader.round();
    expect(reader.process('one')).toMatchObject({ readers: 2, lagBytes: 10n });
    slow.close();
    await rig.after(SECOND, reader);
    expect(reader.process('one')).toMatchObject({ readers: 1, lagBytes: 0n });
    fast.close();
  });

  it('leaves out rounds that are not taken, and says how many', async () => {
    const rig = new StatsRig();
    const { reader } = rig.watch();
    await reader.round();
    await rig.after(SECOND, reader);
    // What was taken is the last that was sent: nobody asks for the next.
    rig.clock.skip(3.5 * SECOND);
    const { skipped } = await rig.after(SECOND / 2, reader);
    expect(skipped).toBe(3);
    expect((await rig.after(SECOND, reader)).skipped).toBe(0);
  });

  it('has heartbeats where rounds are far apart', async () => {
    const rig = new StatsRig();
    const { reader } = rig.watch({ interval: { seconds: 60n, nanos: 0 } });
    await reader.round();
    for (let beats = 0; beats < 2; beats++) {
      const beat = reader.message();
      await settled();
      rig.clock.advance(15 * SECOND);
      expect(await beat).toMatchObject({ processes: [], sessions: [], reset: false });
      expect((await beat).round).toBeUndefined();
    }
  });

  it('is in messages of a bounded size, whatever there is', async () => {
    const rig = new StatsRig();
    const session = rig.session();
    const program = `/${'p'.repeat(4_000)}`;
    for (let i = 0; i < 600; i++) {
      const request = rig.launcher.request();
      const spec = { ...request.spec, argv: [program] };
      await session.processes.start({ ...request, processId: `${i}`, spec });
    }
    const { reader } = rig.watch();
    const { messages } = await reader.round();
    expect(messages.length).toBeGreaterThan(1);
    for (const { processes, reset, round } of messages) {
      const bytes = processes.reduce((sum, { info }) => sum + (info?.program.length ?? 0), 0);
      expect(bytes).toBeLessThan(STATS_MESSAGE_BYTES);
      expect(reset).toBe(processes === messages[0]?.processes);
      expect(round !== undefined).toBe(processes === messages.at(-1)?.processes);
    }
    expect(reader.processes.size).toBe(600);
    rig.launcher.exitAll();
    await settled();
    expect((await rig.after(SECOND, reader)).totals?.closedProcesses).toBe(600);
  });
});

describe('a look at what is used', () => {
  it('is one for all who are told at a time', async () => {
    const rig = new StatsRig();
    await rig.start(rig.session(), 'one');
    const readers = Array.from({ length: 8 }, () => rig.watch().reader);
    await Promise.all(readers.map((reader) => reader.round()));
    expect([rig.looks, rig.scans]).toEqual([1, 1]);
    const rounds = readers.map((reader) => reader.round());
    await settled();
    rig.clock.advance(SECOND);
    await Promise.all(rounds);
    expect([rig.looks, rig.scans]).toEqual([2, 1]);
  });

  it('is a new one for whoever comes, once it is time for that', async () => {
    const rig = new StatsRig();
    const session = rig.session();
    await rig.start(session, 'one');
    const before = rig.watch();
    await before.reader.round();
    await rig.start(session, 'two');
    // Those who come at once share it.
    const late = Array.from({ length: 3 }, () => rig.watch().reader);
    const rounds = late.map((reader) => reader.round());
    await settled();
    expect(rig.looks).toBe(1);
    rig.clock.advance(200);
    await Promise.all(rounds);
    expect(rig.looks).toBe(2);
    for (const reader of late) expect(reader.process('two')).toBeDefined();
    // Nobody waits for one who has gone.
    const gone = rig.watch();
    const round = gone.reader.round().catch(() => 'gone');
    await settled();
    gone.context.fail('gone');
    before.context.fail('gone');
    rig.clock.advance(SECOND);
    expect(await round).toBe('gone');
  });

  it('is not taken while nobody is told', async () => {
    const rig = new StatsRig();
    const before = rig.clock.pending;
    const { context, reader } = rig.watch();
    await reader.round();
    const next = reader.message().catch(() => 'over');
    await settled();
    context.fail('gone');
    await next;
    await settled();
    expect(rig.clock.pending).toBe(before);
    rig.clock.advance(60 * SECOND);
    expect([rig.looks, rig.scans]).toEqual([1, 1]);
    // Nothing is left of it: the next one begins anew.
    expect((await rig.watch().reader.round()).reset).toBe(true);
  });

  it('finds what a process uses with all that came of it', async () => {
    const rig = new StatsRig();
    const { record } = await rig.start(rig.session(), 'one');
    const { pid } = record;
    const leader = { pid, group: pid, session: pid, cpuTicks: 3, residentPages: 10 };
    const child = { pid: 7, parent: pid, group: 7, session: 7, cpuTicks: 2, residentPages: 5 };
    const other = { pid: 8, group: 8, session: 8, cpuTicks: 100, residentPages: 100 };
    rig.machine = scanOf([leader, child, other]);
    const { reader } = rig.watch();
    const { end } = await reader.round();
    expect(reader.process('one')).toMatchObject({
      cpuTime: { seconds: 0n, nanos: 50_000_000 },
      residentBytes: 15n * 4096n,
      members: 2,
    });
    expect(end.usageElapsed).toEqual(end.elapsed);
    // What ended and was not waited for is not told of any more; it was used all the same.
    rig.machine = scanOf([{ ...leader, cpuTicks: 4 }]);
    await rig.after(SECOND, reader);
    await rig.after(SECOND, reader);
    expect(reader.process('one')).toMatchObject({
      cpuTime: { seconds: 0n, nanos: 50_000_000 },
      residentBytes: 10n * 4096n,
      members: 1,
    });
    rig.launcher.exitOne();
    await settled();
    rig.machine = scanOf([]);
    await rig.after(SECOND, reader);
    await rig.after(SECOND, reader);
    expect(reader.process('one')).toMatchObject({
      cpuTime: { seconds: 0n, nanos: 50_000_000 },
      residentBytes: 0n,
      members: 0,
    });
  });

  it('tells less where the machine tells nothing', async () => {
    const rig = new StatsRig();
    await rig.start(rig.session(), 'one');
    rig.machine = undefined;
    const { reader } = rig.watch();
    const { end } = await reader.round();
    expect(end.usageElapsed).toBeUndefined();
    const process = reader.process('one');
    expect([process?.cpuTime, process?.residentBytes, process?.members]).toEqual([
      undefined,
      undefined,
      0,
    ]);
  });

  it('at the machine comes more seldom where it takes long', async () => {
    const rig = new StatsRig();
    await rig.start(rig.session(), 'one');
    rig.machine = scanOf([], 20);
    const { reader } = rig.watch();
    const began = (await reader.round()).end.usageElapsed;
    const times = [began];
    for (let i = 0; i < 6; i++) times.push((await rig.after(SECOND, reader)).usageElapsed);
    const seconds = times.map((time) => Number((time?.seconds ?? 0n) - (began?.seconds ?? 0n)));
    // A half of a hundredth of all time, once that is known of two: 20 ms in 4 s.
    expect(seconds).toEqual([0, 0, 2, 2, 2, 2, 6]);
    expect([rig.looks, rig.scans]).toEqual([7, 3]);
  });

  it('tells how the server itself is to whom it may', async () => {
    const rig = new StatsRig();
    const { reader } = rig.watch();
    const { end } = await reader.round();
    expect(end.server?.residentBytes).toBeGreaterThan(0n);
    expect(end.server?.cpuTime).toBeDefined();
    // It is measured from now on.
    expect(end.server?.eventLoopUtilization).toBeUndefined();
    await rig.after(SECOND, reader);
    const { server } = await rig.after(SECOND, reader);
    expect(server?.eventLoopUtilization).toBeGreaterThanOrEqual(0);
    expect(server?.eventLoopDelay).toBeDefined();
  });
});

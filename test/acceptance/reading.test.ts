import { describe, expect, it } from 'vitest';
import type { ProcessEvent } from '../../src/gen/runlet/v1/event_pb.ts';
import { READ_DEADLINE_MARGIN_MS } from '../../src/limits.ts';
import { collect, outputOf, seqsOf, summarize } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { startHarness } from '../support/harness.ts';
import { startShell } from '../support/shell.ts';

const HOUR_MS = 3_600_000;

const seconds = (count: number): { seconds: bigint; nanos: number } => ({
  seconds: BigInt(count),
  nanos: 0,
});

describe('a read', () => {
  it('without a wait returns what there is', async () => {
    const harness = await startHarness();
    const target = await startShell(harness, 'read line', { stdin: 2 });
    const first = await harness.processes.readProcess(target);
    expect(summarize(first.events)).toEqual(['started']);
    expect(first.nextAfterSeq).toBe(1n);
    const second = await harness.processes.readProcess({ ...target, afterSeq: 1n });
    expect(second.events).toEqual([]);
    expect(second.nextAfterSeq).toBe(1n);
    expect(second.process?.processId).toBe(target.processId);
  });

  it('with a wait returns the first event, whenever it comes', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const target = await startShell(harness, 'while read -r line; do echo $line; done', {
      stdin: 2,
    });
    let afterSeq = 1n;
    // The event may come before the read, while it looks, or while it waits.
    for (let i = 0; i < 200; i++) {
      const write = processes.writeStdin({ ...target, data: Buffer.from(`${i}\n`) });
      const read = await processes.readProcess({ ...target, afterSeq, wait: seconds(30) });
      expect(outputOf(read.events).toString()).toBe(`${i}\n`);
      afterSeq = read.nextAfterSeq;
      await write;
    }
  });

  it('ends with nothing when its wait is over, which is bounded', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock });
    const target = await startShell(harness, 'read line', { stdin: 2 });
    const timers = clock.pending;
    const read = harness.processes.readProcess({ ...target, afterSeq: 1n, wait: seconds(3_600) });
    await expect.poll(() => clock.pending).toBe(timers + 1);
    clock.advance(30_000);
    expect((await read).events).toEqual([]);
  });

  it('ends with nothing a little before its deadline', async () => {
    const clock = new FakeClock(Date.now());
    const limits = { maxReadWaitMs: 2 * HOUR_MS, defaultDetachedTtlMs: 10 * HOUR_MS };
    const harness = await startHarness({ clock, limits });
    const target = await startShell(harness, 'read line', { stdin: 2 });
    const timers = clock.pending;
    const request = { ...target, afterSeq: 1n, wait: seconds(7_200) };
    const deadline = new Date(clock.now() + HOUR_MS);
    const read = harness.processes.readProcess(request, { deadline });
    await expect.poll(() => clock.pending).toBe(timers + 1);
    // The deadline that the server has is later, by the time that the call took to come there.
    clock.advance(HOUR_MS - READ_DEADLINE_MARGIN_MS - 1);
    expect(clock.pending).toBe(timers + 1);
    clock.advance(HOUR_MS / 2);
    expect((await read).events).toEqual([]);
  });

  it('returns at least one event, and no more than asked for', async () => {
    const harness = await startHarness();
    const target = await startShell(harness, 'head -c 300000 /dev/zero');
    await harness.processes.waitProcess(target);
    const seen: number[] = [];
    let afterSeq = 0n;
    for (;;) {
      const read = await harness.processes.readProcess({ ...target, afterSeq, maxBytes: 1 });
      if (read.events.length === 0) break;
      expect(read.events).toHaveLength(1);
      seen.push(...seqsOf(read.events));
      afterSeq = read.nextAfterSeq;
    }
    const all = await collect(harness.processes.watchProcess(target));
    expect(seen).toEqual(seqsOf(all));
  });

  it('beyond the last event is refused, and says which that is', async () => {
    const harness = await startHarness();
    const target = await startShell(harness, 'true');
    await harness.processes.waitProcess(target);
    for (const call of [
      harness.processes.readProcess({ ...target, afterSeq: 4n }),
      collect(harness.processes.watchProcess({ ...target, afterSeq: 4n })),
    ]) {
      const failure = await failureOf(call);
      expect(failure.summary).toBe('OUT_OF_RANGE/SEQ_BEYOND_END');
      expect(failure.info?.metadata).toEqual({ last_seq: '3' });
    }
  });
});

describe('output beyond what is retained', () => {
  it('is a gap for a reader from the start, and for one that resumes in its midst', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const target = await startShell(harness, 'while read -r n; do printf "%0100d" $n; done', {
      stdin: 2,
      output: { retainedBytes: 250n },
    });
    // One after the other, so that the live reader has everything.
    const watch = processes.watchProcess(target)[Symbol.asyncIterator]();
    const live: ProcessEvent[] = [];
    for (let i = 1; i <= 9; i++) {
      await processes.writeStdin({ ...target, data: Buffer.from(`${i}\n`) });
      while (outputOf(live).byteLength < i * 100)
        live.push(...((await watch.next()).value?.events ?? []));
    }
    await processes.writeStdin({ ...target, eof: true });
    await processes.waitProcess(target);

    const late = await collect(processes.watchProcess(target));
    const retained = outputOf(late).byteLength;
    expect(retained).toBeGreaterThan(150);
    expect(retained).toBeLessThanOrEqual(250);
    expect(summarize(late)[1]).toBe(`gap stdout 0+${900 - retained}`);
    expect(outputOf(late).equals(outputOf(live).subarray(900 - retained))).toBe(true);

    const fourth = live.filter(({ event }) => event.case === 'output')[3];
    const had = fourth?.event.case === 'output' ? fourth.event.value : undefined;
    const end = Number(had?.offset ?? 0n) + (had?.data.byteLength ?? 0);
    const afterSeq = fourth?.seq ?? 0n;
    const [missing] = await collect(processes.watchProcess({ ...target, afterSeq }));
    expect(missing?.seq).toBe(late[1]?.seq);
    expect(summarize(missing ? [missing] : [])).toEqual([
      `gap stdout ${end}+${900 - retained - end}`,
    ]);
  });
});

describe('a silent stream of events', () => {
  it('has heartbeats, which have no events', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock, limits: { heartbeatMs: 1_000 } });
    const target = await startShell(harness, 'read line', { stdin: 2 });
    const timers = clock.pending;
    const watch = harness.processes.watchProcess(target)[Symbol.asyncIterator]();
    expect(summarize((await watch.next()).value?.events ?? [])).toEqual(['started']);
    for (let i = 0; i < 3; i++) {
      const next = watch.next();
      await expect.poll(() => clock.pending).toBe(timers + 1);
      clock.advance(1_000);
      expect((await next).value?.events).toEqual([]);
    }
    await watch.return?.();
    await expect.poll(() => clock.pending).toBe(timers);
  });
});

describe('a listing', () => {
  it('has all processes of the session, page by page, in the order of their starts', async () => {
    const harness = await startHarness();
    const { processes, sessionId } = harness;
    const ids = ['c', 'a', 'b', 'e', 'd'];
    for (const id of ids) await startShell(harness, 'true', {}, id);
    const listed: string[] = [];
    let pageToken = '';
    do {
      const page = await processes.listProcesses({ sessionId, pageSize: 2, pageToken });
      expect(page.processes.length).toBeLessThanOrEqual(2);
      listed.push(...page.processes.map(({ processId }) => processId));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(listed).toEqual(ids);
  });

  it('ends a page early rather than become too large', async () => {
    const harness = await startHarness();
    const { processes, sessionId } = harness;
    const long = 'x'.repeat(100_000);
    for (let i = 0; i < 15; i++) await startShell(harness, `true ${long}`);
    const page = await processes.listProcesses({ sessionId });
    expect(page.processes.length).toBeGreaterThan(5);
    expect(page.processes.length).toBeLessThan(15);
    const { nextPageToken } = page;
    const rest = await processes.listProcesses({ sessionId, pageToken: nextPageToken });
    expect(page.processes.length + rest.processes.length).toBe(15);
  });

  it('of sessions has all of them, oldest first', async () => {
    const { sessionId, sessions } = await startHarness();
    const made = [sessionId];
    for (let i = 0; i < 4; i++)
      made.push((await sessions.createSession({})).session?.sessionId ?? '');
    const first = await sessions.listSessions({ pageSize: 3 });
    const { nextPageToken: pageToken } = first;
    const second = await sessions.listSessions({ pageSize: 3, pageToken });
    expect([...first.sessions, ...second.sessions].map((s) => s.sessionId)).toEqual(made);
    expect(second.nextPageToken).toBe('');
  });
});

describe('a listing of sessions with many labels', () => {
  it('ends a page early rather than become too large', async () => {
    const { sessions } = await startHarness();
    const labels = Object.fromEntries(
      Array.from({ length: 64 }, (_, i) => [`label ${i}`, 'x'.repeat(1_000)]),
    );
    for (let i = 0; i < 40; i++) await sessions.createSession({ labels });
    const page = await sessions.listSessions({});
    expect(page.sessions.length).toBeLessThan(30);
    const { nextPageToken: pageToken } = page;
    expect((await sessions.listSessions({ pageToken })).sessions.length).toBeGreaterThan(0);
  });
});

describe('a session', () => {
  it('is created once for an id that the client chose, in either case', async () => {
    const { sessions } = await startHarness();
    const id = '5F0C0D2E-6F0F-4C39-8A3F-0D9A3C1F7B52';
    const first = await sessions.createSession({ sessionId: id, labels: { a: 'b' } });
    const second = await sessions.createSession({ sessionId: id.toLowerCase() });
    expect(second.session).toEqual(first.session);
    expect(second.session?.sessionId).toBe(id.toLowerCase());
    expect(second.session?.labels).toEqual({ a: 'b' });
  });
});

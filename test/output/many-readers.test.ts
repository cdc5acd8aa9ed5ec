import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { EventCursor } from '../../src/output/event-cursor.ts';
import { EventLog } from '../../src/output/event-log.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { memoryStore, readNow } from '../support/output.ts';

const FEW = 100;
const MANY = 10_000;
const LINE = Buffer.alloc(100, 'x');

/** In microseconds: what else a busy machine does is no part of it. */
function cpuTime(): number {
  const { system, user } = process.cpuUsage();
  return system + user;
}

/** Reads whatever comes, as a watcher does, to the end. Each call has a signal of its own. */
async function follow(cursor: EventCursor): Promise<void> {
  const { signal } = new AbortController();
  while (!cursor.ended) {
    const batch = readNow(cursor, 10_000);
    if (batch === undefined) await cursor.wait(60_000, signal);
    else cursor.acknowledge(batch.lastSeq);
  }
}

/** A log that pauses, and its readers. */
class Followed {
  readonly log = new EventLog({
    name: 'p',
    overflow: 'pause',
    retainedBytes: LINE.length,
    store: memoryStore(new FakeClock()),
  });
  readonly readers: readonly EventCursor[];

  constructor(count: number) {
    const open = (_: unknown, i: number): EventCursor =>
      this.log.openCursor(0, () => {}, { readerId: `reader ${i}` });
    this.readers = Array.from({ length: count }, open);
  }

  /** All but the last read what comes. */
  start(): void {
    for (const reader of this.readers.slice(0, -1)) void follow(reader);
  }

  /** Appends and lets all read; the most time of the processor that one step took. */
  async longestStep(): Promise<number> {
    let longest = 0;
    const { lastSeq } = this.log;
    // What it has not had yet is what everything is kept for.
    this.log.acknowledge(this.readers.at(-1)?.readerId ?? '', lastSeq);
    for (let began = cpuTime(); !this.#haveAllRead(lastSeq + 1); ) {
      if (this.log.lastSeq === lastSeq) this.log.appendOutput('stdout', LINE);
      await turn();
      const now = cpuTime();
      longest = Math.max(longest, now - began);
      began = now;
    }
    return longest;
  }

  stop(): void {
    for (const reader of this.readers) reader.close();
    this.log.dispose();
  }

  #haveAllRead(seq: number): boolean {
    // Woken in the order in which they began to wait.
    const last = this.readers.at(-2);
    return last !== undefined && last.hadSeq >= seq;
  }
}

/** The least of some, so that the collection of garbage is not counted. */
async function leastOfLongest(count: number): Promise<number> {
  const followed = new Followed(count);
  followed.start();
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 8; i++) least = Math.min(least, await followed.longestStep());
  followed.stop();
  return least;
}

/** The time it takes to drop events one by one which only the last of so many has not had. */
function cpuOfDropping(count: number): number {
  const { log, readers } = new Followed(count);
  for (let i = 0; i < 1000; i++) log.appendOutput('stdout', LINE);
  for (const reader of readers.slice(0, -1)) reader.acknowledge(log.lastSeq);
  const last = readers.at(-1);
  const began = cpuTime();
  for (let seq = 1; seq <= log.lastSeq; seq++) last?.acknowledge(seq);
  const took = cpuTime() - began;
  expect(log.outputBytes).toBe(LINE.length);
  log.dispose();
  return took;
}

describe('thousands of readers of one log', () => {
  it('make no step of the event loop longer than few do', async () => {
    // What was not compiled yet is not what is measured.
    await leastOfLongest(FEW);
    const few = await leastOfLongest(FEW);
    const many = await leastOfLongest(MANY);
    // It would be a hundred times as long where all are looked at, or woken, in one step.
    expect(many / few).toBeLessThan(30);
  });

  it('are not all looked at when one of them gets on, and what it has had is dropped', () => {
    const leastOf = (count: number): number =>
      Math.min(...Array.from({ length: 3 }, () => cpuOfDropping(count)));
    // One of them as often as one of few, though a hundred times as many are there.
    expect(leastOf(MANY) / leastOf(FEW)).toBeLessThan(20);
  });

  it('are all told, in the order in which they began to wait', async () => {
    const log = new EventLog({
      name: 'p',
      overflow: 'drop-oldest',
      retainedBytes: 1000,
      store: memoryStore(new FakeClock()),
    });
    const told: number[] = [];
    const cursors = Array.from({ length: 1000 }, () => log.openCursor(0));
    for (const [i, cursor] of cursors.entries()) {
      void cursor.wait(60_000, new AbortController().signal).then(() => told.push(i));
    }
    log.append({ kind: 'started', pid: 1 });
    // More comes before all have been told.
    await turn();
    log.append({ kind: 'stdin-closed' });
    for (let before = -1; told.length > before; await turn()) before = told.length;
    expect(told).toEqual(cursors.map((_, i) => i));
    log.dispose();
  });
});

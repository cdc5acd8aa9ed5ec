import { describe, expect, it } from 'vitest';
import { SPOOL_RETRY_MS, SPOOL_STALL_MS } from '../../src/limits.ts';
import { EventLog, type Overflow } from '../../src/output/event-log.ts';
import type { TierSizes } from '../../src/output/log-sizes.ts';
import { OutputStore, type StoreProblem } from '../../src/output/output-store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FaultyFiles } from './spool/faulty-files.ts';
import { testSpool } from './spool/support.ts';

/** One piece of output, which fills a block by itself. */
const PIECE = Buffer.alloc(100, 'x');
/** Memory that a block has at least. */
const BLOCK_MEMORY = 512;
/** Blocks of a log with two pieces: `started` has one of its own. */
const BLOCKS = 3;
/** Room for one more file, but not two. */
const FILE_BYTES = 300;
const SIZES = { blockBytes: 150, hotBytes: 1_000_000, lagBytes: 1_000_000 };

interface Bench {
  readonly store: OutputStore;
  readonly clock: FakeClock;
  readonly files: FaultyFiles;
  readonly problems: StoreProblem['kind'][];
  /** Makes a log with two pieces of output. */
  log(name: string, overflow?: Overflow): EventLog;
  /** Lets a log have one piece more after the other until it loses some, and tells who lost when. */
  fill(log: EventLog): Promise<readonly string[]>;
}

/** Logs over a store with so many blocks of memory, and so many bytes of files if there are any. */
async function bench(
  blocks: number,
  diskBytes?: number,
  sizes: Partial<TierSizes> = {},
): Promise<Bench> {
  const clock = new FakeClock();
  const files = new FaultyFiles();
  const problems: StoreProblem['kind'][] = [];
  // Each block has a file of its own.
  const { spool } = await testSpool({ segmentBytes: 1, files });
  const store = new OutputStore({
    clock,
    memoryBytes: blocks * BLOCK_MEMORY,
    diskBytes: diskBytes ?? 0,
    spool: diskBytes === undefined ? undefined : spool,
    sizes: { ...SIZES, ...sizes },
    onProblem: ({ kind }) => problems.push(kind),
  });
  const logs = new Map<string, EventLog>();
  return {
    store,
    clock,
    files,
    problems,
    log(name, overflow = 'drop-oldest') {
      const log = new EventLog({ name, store, retainedBytes: 1_000_000, overflow });
      logs.set(name, log);
      log.append({ kind: 'started', pid: 1 });
      for (let i = 0; i < 2; i++) log.appendOutput('stdout', PIECE);
      return log;
    },
    async fill(log) {
      const losses: string[] = [];
      const before = new Map([...logs].map(([name, each]) => [name, missing(each)]));
      while (missing(log) === 0) {
        log.appendOutput('stdout', PIECE);
        await files.quiet();
        for (const [name, each] of logs) {
          if (missing(each) > (before.get(name) ?? 0)) losses.push(name);
          before.set(name, missing(each));
        }
      }
      return losses;
    },
  };
}

function close(log: EventLog): void {
  log.append({ kind: 'closed', totals: log.totals, outputComplete: true });
}

/** Bytes of output that a log no longer has. */
function missing({ outputBytes, totals }: EventLog): number {
  return totals.stdout - outputBytes;
}

async function readAll(log: EventLog): Promise<void> {
  const cursor = log.openCursor(0);
  while (cursor.nextSeq <= log.lastSeq) await cursor.read(1000);
  cursor.close();
}

describe('memory that is full', () => {
  it('loses what closed processes had, in the order in which they were closed, then the oldest', async () => {
    const { fill, log } = await bench(16);
    const [, second, third, last] = ['a', 'b', 'c', 'd'].map((name) => log(name));
    if (second === undefined || third === undefined || last === undefined) throw new Error();
    close(third);
    close(second);
    expect(await fill(last)).toEqual(['c', 'c', 'b', 'b', 'a', 'a', 'd']);
  });

  it('spares what a reader of a process that pauses has still to read', async () => {
    const { fill, log } = await bench(4 * BLOCKS);
    const paused = log('paused', 'pause');
    paused.openCursor(0);
    log('old');
    expect(await fill(log('new'))).toEqual(['old', 'old', 'new']);
    expect(missing(paused)).toBe(0);
  });

  it('spares it when that process is closed, too, until it was read', async () => {
    const { fill, log } = await bench(4 * BLOCKS);
    const paused = log('paused', 'pause');
    const cursor = paused.openCursor(0);
    close(paused);
    log('old');
    const last = log('new');
    expect(await fill(last)).toEqual(['old', 'old', 'new']);
    cursor.close();
    for (let i = 0; i < BLOCKS; i++) last.appendOutput('stdout', PIECE);
    expect(missing(paused)).toBeGreaterThan(0);
  });

  it('takes what was spared first, once it is read, as the oldest that it still is', async () => {
    const { log } = await bench(4 * BLOCKS);
    const paused = log('paused', 'pause');
    const cursor = paused.openCursor(0);
    const old = log('old');
    const last = log('new');
    while (missing(old) === 0) last.appendOutput('stdout', PIECE);
    expect(missing(paused)).toBe(0);
    await cursor.read(1000);
    while (missing(paused) === 0) last.appendOutput('stdout', PIECE);
    expect(missing(old)).toBe(PIECE.byteLength);
  });

  it('pauses a process whose reader needs what it is full of, until that was read', async () => {
    const { log } = await bench(2 * BLOCKS);
    const paused = log('paused', 'pause');
    const cursor = paused.openCursor(0);
    while (paused.flowing) paused.appendOutput('stdout', PIECE);
    expect(missing(paused)).toBe(0);
    while (cursor.nextSeq <= paused.lastSeq) await cursor.read(1000);
    expect(paused.flowing).toBe(true);
  });

  it('pauses no process whose readers have had all, whoever needs what it is full of', async () => {
    const { log, store } = await bench(2 * BLOCKS);
    const greedy = log('greedy', 'pause');
    greedy.openCursor(0);
    while (greedy.flowing) greedy.appendOutput('stdout', PIECE);
    const other = log('other', 'pause');
    await readAll(other);
    const cursor = other.openCursor(other.lastSeq);
    expect(other.flowing).toBe(true);
    for (let i = 0; i < 100; i++) {
      other.appendOutput('stdout', PIECE);
      await cursor.read(1000);
      expect(other.flowing).toBe(true);
    }
    expect(store.memory).toBeLessThanOrEqual((2 * BLOCKS + 2) * BLOCK_MEMORY);
  });

  it('lets a process go on that nobody will read any more', async () => {
    const { log } = await bench(2 * BLOCKS);
    const paused = log('paused', 'pause');
    while (paused.flowing) paused.appendOutput('stdout', PIECE);
    paused.abandon();
    expect(paused.flowing).toBe(true);
  });
});

describe('files that are full', () => {
  it('lose what closed processes had, in the order in which they were closed, then the oldest', async () => {
    const { files, fill, log } = await bench(1, 4 * BLOCKS * FILE_BYTES);
    const logs = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      logs.push(log(name));
      await files.quiet();
    }
    const [, second, third, last] = logs;
    if (second === undefined || third === undefined || last === undefined) throw new Error();
    close(third);
    close(second);
    expect(await fill(last)).toEqual(['c', 'c', 'b', 'b', 'a', 'a', 'd']);
  });

  it('spare what a reader of a process that pauses has still to read', async () => {
    const { files, fill, log } = await bench(1, 3 * BLOCKS * FILE_BYTES);
    const paused = log('paused', 'pause');
    await files.quiet();
    paused.openCursor(0);
    log('old');
    await files.quiet();
    expect(await fill(log('new'))).toEqual(['old', 'old', 'new']);
    expect(missing(paused)).toBe(0);
  });

  it('pause a process whose reader needs what they are full of, until that was read', async () => {
    const { files, log, store } = await bench(2, 2 * BLOCKS * FILE_BYTES);
    const paused = log('paused', 'pause');
    const cursor = paused.openCursor(0);
    while (paused.flowing) {
      paused.appendOutput('stdout', PIECE);
      await files.quiet();
    }
    expect(missing(paused)).toBe(0);
    expect(store.disk).toBeGreaterThan(BLOCKS * FILE_BYTES);
    while (cursor.nextSeq <= paused.lastSeq) await cursor.read(1000);
    expect(paused.flowing).toBe(true);
  });
});

describe('files that fail', () => {
  it('are told of once, and again when they work', async () => {
    const { clock, files, log, problems } = await bench(2, 1_000_000);
    files.failNext('create', 'EIO');
    const failing = log('a');
    await files.quiet();
    expect(problems).toEqual(['spool-failed']);
    clock.skip(SPOOL_RETRY_MS);
    failing.appendOutput('stdout', PIECE);
    await files.quiet();
    expect(problems).toEqual(['spool-failed', 'spool-recovered']);
  });

  it('leave memory within its budget', async () => {
    const { files, log, store } = await bench(4, 1_000_000);
    const failing = log('a');
    for (let i = 0; i < 100; i++) {
      files.failNext('write', 'EIO');
      failing.appendOutput('stdout', PIECE);
      await files.quiet();
      expect(store.memory).toBeLessThanOrEqual(4 * BLOCK_MEMORY);
    }
  });

  it('are tried again for a process that waits for them, though nothing happens', async () => {
    const { clock, files, log } = await bench(4, 1_000_000);
    files.failNext('create', 'EIO');
    const paused = log('a', 'pause');
    await files.quiet();
    while (paused.flowing) {
      files.failNext('create', 'EIO');
      paused.appendOutput('stdout', PIECE);
      await files.quiet();
    }
    files.heal();
    clock.advance(SPOOL_RETRY_MS);
    await files.quiet();
    expect(paused.flowing).toBe(true);
    expect(missing(paused)).toBe(0);
  });

  it('are given later what they could not take', async () => {
    const { clock, files, log, store } = await bench(100, 1_000_000, { hotBytes: 0 });
    files.failNext('write', 'EIO');
    const failing = log('a');
    await files.quiet();
    expect(store.memory).toBeGreaterThan(BLOCK_MEMORY);
    clock.skip(SPOOL_RETRY_MS);
    failing.appendOutput('stdout', PIECE);
    await files.quiet();
    // The last block may still be appended to.
    expect(store.memory).toBe(BLOCK_MEMORY);
  });
});

describe('a disk that does not answer', () => {
  it('holds up a process until it is taken for one that failed, and is given no more', async () => {
    const { clock, files, log, store } = await bench(4, 1_000_000);
    files.pause();
    const waiting = log('a');
    while (waiting.flowing) waiting.appendOutput('stdout', PIECE);
    expect(missing(waiting)).toBe(0);
    clock.advance(SPOOL_STALL_MS);
    expect(waiting.flowing).toBe(true);
    const { writing } = store;
    clock.advance(SPOOL_RETRY_MS);
    for (let i = 0; i < 100; i++) waiting.appendOutput('stdout', PIECE);
    expect(waiting.flowing).toBe(true);
    expect(store.writing).toBe(writing);
    expect(store.memory - writing).toBe(4 * BLOCK_MEMORY);
    files.resume();
    await files.quiet();
    expect(store.writing).toBe(0);
    expect(store.canSpill).toBe(true);
  });
});

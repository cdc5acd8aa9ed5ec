import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Relief, type Standing, StoreLedger } from '../../src/output/store-ledger.ts';

const BUDGETS = { memoryBytes: 1_000_000, diskBytes: 1_000_000, hasFiles: true };

function standing(some: Partial<Standing> = {}): Standing {
  return {
    memory: 0,
    writing: 0,
    stalled: 0,
    disk: 0,
    index: 0,
    forgettable: 0,
    oldestBlock: 'none',
    oldestFile: 'none',
    keeps: false,
    over: false,
    restsUntil: 0,
    ...some,
  };
}

/** A ledger with these logs, at a time when nobody rests. */
function ledgerOf(
  logs: Readonly<Record<string, Partial<Standing>>>,
  budgets = BUDGETS,
): StoreLedger<string> {
  const ledger = new StoreLedger<string>(budgets);
  for (const [log, some] of Object.entries(logs)) ledger.update(log, standing(some), 1);
  return ledger;
}

const inMemory = (memory: number): Partial<Standing> => ({ memory, oldestBlock: 'free' });
const inFiles = (disk: number): Partial<Standing> => ({ disk, oldestFile: 'free' });
const kept = (memory: number): Partial<Standing> => ({
  memory,
  oldestBlock: 'needed',
  keeps: true,
});

describe('memory that is used up', () => {
  it('is given back first by what is over, in the order in which it came to be', () => {
    const ledger = ledgerOf({ large: inMemory(900_000), a: inMemory(200_000), b: inMemory(9) });
    ledger.update('b', standing({ ...inMemory(9), over: true }), 1);
    ledger.update('a', standing({ ...inMemory(200_000), over: true }), 1);
    expect(ledger.next()).toEqual({ log: 'b', action: 'spill' });
    ledger.update('b', standing({ over: true }), 1);
    expect(ledger.next()).toEqual({ log: 'a', action: 'spill' });
  });

  it('is given back by the one that has most of it, by nobody else', () => {
    const ledger = ledgerOf({ a: inMemory(400_000), b: inMemory(500_000), c: inMemory(300_000) });
    expect(ledger.next()?.log).toBe('b');
    ledger.update('b', standing({ ...inMemory(500_000), writing: 250_000 }), 1);
    expect(ledger.next()).toBeUndefined();
  });

  it('is used by what is known of output, and by what readers have of it, too', () => {
    const known = { a: inMemory(900_000), b: { index: 100_001 } };
    expect(ledgerOf(known).next()?.log).toBe('a');
    const ledger = ledgerOf({ a: inMemory(900_000) });
    expect(ledger.next()).toBeUndefined();
    ledger.copied = 100_001;
    expect(ledger.next()?.log).toBe('a');
  });

  it('goes for good where nothing may be written', () => {
    const some = { a: inMemory(1_100_000) };
    expect(ledgerOf(some, { ...BUDGETS, hasFiles: false }).next()?.action).toBe('lose');
    expect(ledgerOf({ ...some, b: { disk: 1_000_001 } }).next()?.action).toBe('lose');
    expect(ledgerOf({ ...some, b: { stalled: 1 } }).next()?.action).toBe('lose');
  });

  it('goes for good while its log rests, and no longer', () => {
    const ledger = ledgerOf({ a: { ...inMemory(1_100_000), restsUntil: 5 } });
    expect(ledger.next()?.action).toBe('lose');
    ledger.wake(5);
    expect(ledger.next()?.action).toBe('spill');
  });

  it('is not given back by what is needed, unless that can be written', () => {
    const some = { a: kept(900_000), b: inMemory(200_000) };
    expect(ledgerOf(some).next()).toEqual({ log: 'a', action: 'spill' });
    expect(ledgerOf(some, { ...BUDGETS, hasFiles: false }).next()).toEqual({
      log: 'b',
      action: 'lose',
    });
  });

  it('makes nobody wait who drops what is beyond it, and all while files lag', () => {
    expect(ledgerOf({ a: inMemory(900_000) }).pressureFor('a')).toBe('none');
    const ledger = ledgerOf({ a: { memory: 1_300_000, writing: 1_000_000 } });
    expect(ledger.pressureFor('b')).toBe('lagging');
    ledger.update('a', standing({ memory: 1_300_000, writing: 1_000_000, stalled: 1_000_000 }), 1);
    expect(ledger.pressureFor('b')).toBe('none');
  });
});

describe('what must not be dropped', () => {
  const budgets = { ...BUDGETS, hasFiles: false };

  it('has half of memory, beyond which who has much of it waits', () => {
    const ledger = ledgerOf({ a: kept(400_000), small: kept(10_000), none: kept(0) }, budgets);
    expect(ledger.pressureFor('a')).toBe('none');
    ledger.update('a', standing(kept(500_000)), 1);
    expect(ledger.pressureFor('a')).toBe('full');
    expect(ledger.pressureFor('small')).toBe('none');
  });

  it('has three quarters of it, beyond which all wait', () => {
    const ledger = ledgerOf({ a: kept(500_000), b: kept(260_000), small: kept(10_000) }, budgets);
    expect(ledger.pressureFor('small')).toBe('full');
  });

  it('is joined by nothing that was read, which goes before anybody waits', () => {
    const read = { memory: 300_000, oldestBlock: 'free', keeps: true } as const;
    const ledger = ledgerOf({ a: kept(400_000), read }, budgets);
    expect(ledger.next()).toEqual({ log: 'read', action: 'lose' });
  });

  it('has half of the disk', () => {
    const ledger = ledgerOf({ a: { ...kept(100_000), disk: 500_000 } });
    expect(ledger.maySpill('a')).toBe(true);
    ledger.update('a', standing({ ...kept(100_000), disk: 500_001 }), 1);
    expect(ledger.maySpill('a')).toBe(false);
    expect(ledger.maySpill('b')).toBe(true);
  });
});

describe('files that are full', () => {
  it('go one after the other until there is room, the ones of who has most first', () => {
    const ledger = ledgerOf({ a: inFiles(400_000), b: inFiles(610_000) });
    expect(ledger.next()).toEqual({ log: 'b', action: 'drop-file' });
    ledger.update('b', standing(inFiles(590_000)), 1);
    expect(ledger.next()).toBeUndefined();
  });
});

describe('what is known of events that are not in memory', () => {
  it('is forgotten by the one that knows most, beyond a quarter of memory', () => {
    const ledger = ledgerOf({ a: { index: 150_000, forgettable: 9 }, b: { index: 100_000 } });
    expect(ledger.next()).toBeUndefined();
    ledger.update('b', standing({ index: 100_001, forgettable: 10 }), 1);
    expect(ledger.next()).toEqual({ log: 'b', action: 'forget' });
  });

  it('goes together with files where nothing can be forgotten', () => {
    const ledger = ledgerOf({ a: { ...inFiles(9), index: 250_001 } });
    expect(ledger.next()).toEqual({ log: 'a', action: 'drop-file' });
  });
});

/** Logs that are nothing but numbers, and do what they are told. */
interface Model {
  readonly blocks: number[];
  readonly files: number[];
  /** How many of the oldest, of files and then of blocks, may go. */
  free: number;
  readonly pauses: boolean;
  over: boolean;
}

function standingOf({ blocks, files, free, over, pauses }: Model): Standing {
  const needed = (count: number): boolean => pauses && free < count;
  const need = (there: boolean, count: number): Standing['oldestBlock'] => {
    if (!there) return 'none';
    return needed(count) ? 'needed' : 'free';
  };
  return standing({
    memory: sum(blocks),
    disk: sum(files),
    oldestBlock: need(blocks.length > 0, files.length + 1),
    oldestFile: need(files.length > 0, 1),
    keeps: needed(files.length + blocks.length),
    over: over && !needed(files.length + blocks.length),
  });
}

const sum = (sizes: readonly number[]): number => sizes.reduce((all, size) => all + size, 0);

function obey(model: Model, action: Relief<unknown>['action']): void {
  const { blocks, files, pauses } = model;
  const first = blocks[0] ?? 0;
  if (action === 'spill') {
    blocks.shift();
    files.push(first);
    return;
  }
  if (pauses) expect(model.free).toBeGreaterThan(0);
  model.free = Math.max(0, model.free - 1);
  if (action === 'drop-file') files.shift();
  else blocks.shift();
}

const LOGS = 5;

const step = fc.record({
  log: fc.nat(LOGS - 1),
  bytes: fc.integer({ min: 1, max: 300 }),
  reads: fc.nat(2),
  ends: fc.boolean(),
});

describe('whatever logs do', () => {
  it('budgets are kept, by those who have most, and nothing goes that somebody needs', () => {
    const budgets = fc.record({
      memoryBytes: fc.constantFrom(1_000, 3_000),
      diskBytes: fc.constantFrom(1_000, 10_000),
      hasFiles: fc.boolean(),
    });
    const property = fc.property(budgets, fc.array(step, { maxLength: 150 }), (some, steps) => {
      const ledger = new StoreLedger<number>(some);
      const models = Array.from({ length: LOGS }, (_, i): Model => {
        return { blocks: [], files: [], free: 0, pauses: i % 2 === 1, over: false };
      });
      for (const { bytes, ends, log, reads } of steps) {
        const model = models[log];
        if (model === undefined) return;
        model.free = Math.min(model.free + reads, model.blocks.length + model.files.length);
        // Those who wait write nothing.
        if (!model.pauses || ledger.pressureFor(log) === 'none') model.blocks.push(bytes);
        else if (ends) model.over = true;
        ledger.update(log, standingOf(model), 1);
        for (let relief = ledger.next(); relief !== undefined; relief = ledger.next()) {
          const victim = models[relief.log];
          if (victim === undefined) return;
          assertFair(models, relief, some.diskBytes);
          obey(victim, relief.action);
          ledger.update(relief.log, standingOf(victim), 1);
        }
        const memory = sum(models.flatMap(({ blocks }) => blocks));
        const disk = sum(models.flatMap(({ files }) => files));
        const free = models.map(standingOf);
        if (memory > some.memoryBytes)
          expect(free.map((one) => one.oldestBlock)).not.toContain('free');
        if (disk > some.diskBytes) expect(free.map((one) => one.oldestFile)).not.toContain('free');
        // All but the quarter that is left to those who drop, and one block more of each.
        const pausing = models.filter(({ pauses }) => pauses).flatMap(({ blocks }) => blocks);
        expect(sum(pausing)).toBeLessThanOrEqual(0.75 * some.memoryBytes + 2 * 300);
      }
    });
    fc.assert(property);
  });
});

/** Nobody who lives gives a block for good while another who might has more. */
function assertFair(models: readonly Model[], relief: Relief<number>, diskBytes: number): void {
  const victim = models[relief.log];
  if (victim === undefined || relief.action !== 'lose') return;
  const standings = models.map(standingOf);
  const own = standings[relief.log];
  // Those who keep something give what was read for one another.
  if (own === undefined || own.over || own.keeps) return;
  for (const other of standings) {
    if (other.oldestBlock !== 'free') continue;
    expect(other.over).toBe(false);
    expect(other.memory).toBeLessThanOrEqual(own.memory);
  }
  expect(diskBytes).toBeGreaterThan(0);
}

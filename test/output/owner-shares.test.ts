import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Standing, StoreLedger } from '../../src/output/store-ledger.ts';

const BUDGETS = { memoryBytes: 1_000_000, diskBytes: 1_000_000, hasFiles: true };
const SHARE = { memoryBytes: 500_000, diskBytes: 500_000 };

const EMPTY: Standing = {
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
};

/** A ledger of logs whose names begin with that of their owner. */
function ledgerOf(
  logs: Readonly<Record<string, Partial<Standing>>>,
  budgets = BUDGETS,
  share = SHARE,
): StoreLedger<string> {
  const ledger = new StoreLedger<string>(budgets, {
    ownerOf: (log) => log.charAt(0),
    shareOf: () => share,
  });
  for (const [log, some] of Object.entries(logs)) ledger.update(log, { ...EMPTY, ...some }, 1);
  return ledger;
}

const inMemory = (memory: number): Partial<Standing> => ({ memory, oldestBlock: 'free' });
const inFiles = (disk: number): Partial<Standing> => ({ disk, oldestFile: 'free' });
const kept = (memory: number): Partial<Standing> => ({
  memory,
  oldestBlock: 'needed',
  keeps: true,
});

describe('an owner of logs beyond its share', () => {
  it('gives of its own though there is room, and another nothing', () => {
    const ledger = ledgerOf({ a1: inMemory(300_000), a2: inMemory(201_000), b: inMemory(400_000) });
    expect(ledger.next()).toEqual({ log: 'a1', action: 'spill' });
    ledger.update('a1', { ...EMPTY, ...inMemory(290_000) }, 1);
    expect(ledger.next()).toBeUndefined();
  });

  it('gives its own files', () => {
    const ledger = ledgerOf({ a: inFiles(500_001), b: inFiles(400_000) });
    expect(ledger.next()).toEqual({ log: 'a', action: 'drop-file' });
    expect(ledger.maySpill('a')).toBe(false);
    expect(ledger.maySpill('b')).toBe(true);
  });

  it('forgets what it knows itself', () => {
    const ledger = ledgerOf({
      a: { index: 125_001, forgettable: 9 },
      b: { index: 100_000, forgettable: 99 },
    });
    expect(ledger.next()).toEqual({ log: 'a', action: 'forget' });
  });

  it('waits alone where nothing of it may be dropped', () => {
    const noFiles = { ...BUDGETS, hasFiles: false };
    const ledger = ledgerOf({ a: kept(400_000), b: kept(10_000) }, noFiles);
    expect(ledger.pressureFor('a')).toBe('full');
    expect(ledger.pressureFor('b')).toBe('none');
    expect([ledger.pressureOf('a'), ledger.pressureOf('b'), ledger.pressure]).toEqual([2, 0, 0]);
  });

  it('waits alone while its files lag', () => {
    const lagging = { memory: 700_000, writing: 600_000 };
    const ledger = ledgerOf({ a: lagging, b: inMemory(10_000) });
    expect(ledger.pressureFor('a')).toBe('lagging');
    expect(ledger.pressureFor('b')).toBe('none');
  });
});

describe('what all have beyond the budget', () => {
  it('is given by the owner with most, though another has what is over, or a larger log', () => {
    const whole = { memoryBytes: 1_000_000, diskBytes: 1_000_000 };
    const a = { a1: inMemory(300_000), a2: inMemory(300_000) };
    const b = { b1: inMemory(400_000), b2: { ...inMemory(9), over: true } };
    const ledger = ledgerOf({ ...a, ...b }, BUDGETS, whole);
    expect(ledger.next()?.log).toMatch(/^a/);
  });
});

const OWNERS = ['a', 'b', 'c'];

const step = fc.record({
  owner: fc.constantFrom(...OWNERS),
  log: fc.nat(2),
  kind: fc.constantFrom('write', 'write', 'write', 'close', 'remove'),
  bytes: fc.integer({ min: 1, max: 300 }),
});

interface Log {
  blocks: number[];
  files: number[];
  over: boolean;
}

const sum = (sizes: readonly number[]): number => sizes.reduce((all, size) => all + size, 0);

describe('whatever owners do', () => {
  it('each keeps to its share, and only who has the largest part of it gives', () => {
    const shares = fc.record({
      memoryBytes: fc.constantFrom(500, 1_000, 2_000),
      diskBytes: fc.constantFrom(500, 2_000),
      hasFiles: fc.boolean(),
    });
    const property = fc.property(shares, fc.array(step, { maxLength: 120 }), (share, steps) => {
      const budgets = { memoryBytes: 2_000, diskBytes: 2_000, hasFiles: share.hasFiles };
      const ledger = ledgerOf({}, budgets, share);
      const logs = new Map<string, Log>();
      const standingOf = ({ blocks, files, over }: Log): Standing => ({
        ...EMPTY,
        memory: sum(blocks),
        disk: sum(files),
        oldestBlock: blocks.length > 0 ? 'free' : 'none',
        oldestFile: files.length > 0 ? 'free' : 'none',
        over,
      });
      const heldBy = (owner: string, what: 'blocks' | 'files'): number =>
        sum([...logs].flatMap(([name, log]) => (name.startsWith(owner) ? log[what] : [])));
      for (const { bytes, kind, log, owner } of steps) {
        const name = `${owner}${log}`;
        if (kind === 'remove') {
          logs.delete(name);
          ledger.remove(name);
        } else {
          const own = logs.get(name) ?? { blocks: [], files: [], over: false };
          logs.set(name, own);
          if (kind === 'write') own.blocks.push(bytes);
          else own.over = true;
          ledger.update(name, standingOf(own), 1);
        }
        for (let relief = ledger.next(); relief !== undefined; relief = ledger.next()) {
          const victim = logs.get(relief.log);
          if (victim === undefined) throw new Error('it is gone');
          const what = relief.action === 'drop-file' ? 'files' : 'blocks';
          const most = Math.max(...OWNERS.map((one) => heldBy(one, what)));
          expect(heldBy(relief.log.charAt(0), what)).toBe(most);
          const gone = victim[what].shift();
          if (relief.action === 'spill') victim.files.push(gone ?? 0);
          ledger.update(relief.log, standingOf(victim), 1);
        }
        for (const one of OWNERS) {
          expect(heldBy(one, 'blocks')).toBeLessThanOrEqual(share.memoryBytes);
          expect(heldBy(one, 'files')).toBeLessThanOrEqual(share.diskBytes);
        }
        expect(ledger.memory).toBe(sum(OWNERS.map((one) => heldBy(one, 'blocks'))));
        expect(ledger.memory).toBeLessThanOrEqual(budgets.memoryBytes);
        expect(ledger.owners).toBe(new Set([...logs.keys()].map((key) => key.charAt(0))).size);
      }
      for (const name of logs.keys()) ledger.remove(name);
      expect([ledger.memory, ledger.index, ledger.owners]).toEqual([0, 0, 0]);
    });
    fc.assert(property);
  });
});

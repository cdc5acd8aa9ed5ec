import { readdir, stat } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlockPlace } from '../../../src/output/spool/block.ts';
import { readSegment } from '../../../src/output/spool/segment-reader.ts';
import { openSpool, type Spool } from '../../../src/output/spool/spool.ts';
import { SpoolError } from '../../../src/output/spool/spool-error.ts';
import type { SpoolLog } from '../../../src/output/spool/spool-log.ts';
import { FaultyFiles, type FaultyOperation } from './faulty-files.ts';
import { blockHeader, bytesOf, openSegments, segmentFiles, stateFolder } from './support.ts';

/** Small, so that files begin and go all the time. */
const SEGMENT_BYTES = 6000;
const LOGS = 3;

type Step =
  | { readonly kind: 'append'; readonly log: number; readonly pieces: readonly number[] }
  | { readonly kind: 'read' | 'release'; readonly block: number }
  | { readonly kind: 'close'; readonly log: number }
  | { readonly kind: 'settle' }
  | { readonly kind: 'chunk'; readonly bytes: number }
  | { readonly kind: 'fault'; readonly operation: FaultyOperation; readonly bytesBefore: number };

const healthySteps: fc.WeightedArbitrary<Step>[] = [
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      log: fc.nat(LOGS - 1),
      pieces: fc.array(fc.oneof(fc.nat(50), fc.nat(500), fc.nat(5000)), { maxLength: 3 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('read' as const), block: fc.nat() }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('release' as const), block: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('settle' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('chunk' as const),
      bytes: fc.constantFrom(100, 1000, Number.POSITIVE_INFINITY),
    }),
  },
];

const faultySteps: fc.WeightedArbitrary<Step>[] = [
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      operation: fc.constantFrom<FaultyOperation>('write', 'write', 'truncate', 'create', 'read'),
      bytesBefore: fc.oneof(fc.nat(100), fc.nat(3000)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('close' as const), log: fc.nat(LOGS - 1) }),
  },
];

interface StoredBlock {
  readonly log: SpoolLog;
  readonly seq: number;
  readonly place: BlockPlace;
  readonly payload: Buffer;
}

/** The spool under test, beside all that it holds. */
class Rig {
  readonly #spool: Spool;
  readonly #files: FaultyFiles;
  readonly #folder: string;
  /** Closed ones are replaced. */
  readonly #logs: SpoolLog[];
  /** Of the latest block in any log, so that a block is known by its number. */
  #lastSeq = 0;
  /** Those that are needed. */
  #blocks: StoredBlock[] = [];
  #underWay: Promise<void>[] = [];
  /** Failures that a fault or a closed log explains. */
  #mayFail = false;
  #isTorn = false;

  constructor(spool: Spool, files: FaultyFiles, folder: string) {
    this.#spool = spool;
    this.#files = files;
    this.#folder = folder;
    this.#logs = Array.from({ length: LOGS }, (_, i) => spool.openLog({ processId: `p${i}` }));
  }

  async apply(step: Step): Promise<void> {
    switch (step.kind) {
      case 'append':
        return this.#append(step.log, step.pieces);
      case 'read':
        return this.#read(this.#pick(step.block));
      case 'release':
        return this.#release(this.#pick(step.block));
      case 'close':
        return this.#close(step.log);
      case 'settle':
        return await this.settle();
      case 'chunk':
        this.#files.chunkBytes = step.bytes;
        return;
      case 'fault':
        this.#mayFail = true;
        if (step.operation === 'truncate') this.#isTorn = true;
        return this.#files.failNext(step.operation, 'EIO', step.bytesBefore);
    }
  }

  /** Waits for all that is under way, and looks at what is there. */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay);
    this.#underWay = [];
    await this.#files.quiet();
    await this.#checkFiles();
  }

  /** Every block that is needed can be read, by whatever happened before. */
  async finish(): Promise<void> {
    await this.settle();
    this.#files.heal();
    this.#mayFail = false;
    for (const block of this.#blocks) this.#read(block);
    await this.settle();
    await this.#spool.close();
    expect(await readdir(this.#folder)).toEqual([]);
    expect(await openSegments(this.#folder)).toEqual([]);
    expect(this.#spool.bytes).toBe(0);
    expect(this.#files.peak.reads).toBeLessThanOrEqual(2);
    expect(this.#files.peak.writes).toBeLessThanOrEqual(2);
  }

  #pick(index: number): StoredBlock | undefined {
    return this.#blocks[index % Math.max(1, this.#blocks.length)];
  }

  #append(index: number, lengths: readonly number[]): void {
    const log = this.#logs[index];
    if (log === undefined) return;
    const seq = ++this.#lastSeq;
    const pieces = lengths.map((length, i) => bytesOf(length, seq * 7 + i));
    const appending = log.append(blockHeader(seq), pieces).then((place) => {
      if (!this.#logs.includes(log)) return;
      this.#blocks.push({ log, seq, place, payload: Buffer.concat(pieces) });
    });
    this.#expectDone(appending);
  }

  #read(block: StoredBlock | undefined): void {
    if (block === undefined) return;
    const reading = block.log.read(block.place).then((payload) => {
      expect(payload.equals(block.payload)).toBe(true);
    });
    this.#expectDone(reading);
  }

  #release(block: StoredBlock | undefined): void {
    if (block === undefined) return;
    block.log.release(block.place);
    this.#blocks = this.#blocks.filter((other) => other !== block);
  }

  #close(index: number): void {
    const log = this.#logs[index];
    if (log === undefined) return;
    this.#mayFail = true;
    log.close();
    this.#logs[index] = this.#spool.openLog({ processId: `p${index}` });
    this.#blocks = this.#blocks.filter((block) => block.log !== log);
  }

  #expectDone(action: Promise<void>): void {
    const done = action.catch((error: unknown) => {
      if (!(error instanceof SpoolError) || !this.#mayFail) throw error;
    });
    // It is waited for later; until then it is not a rejection that nobody handles.
    done.catch(() => {});
    this.#underWay.push(done);
  }

  /** The files hold the blocks that are needed, in order, and each file at least one of them. */
  async #checkFiles(): Promise<void> {
    const needed = new Map(this.#blocks.map((block) => [block.seq, block]));
    let bytes = 0;
    for (const path of await segmentFiles(this.#folder)) {
      bytes += (await stat(path)).size;
      let lastSeq = 0;
      let found = 0;
      for await (const { header, payload } of readSegment(path)) {
        expect(header).toEqual(blockHeader(header.firstSeq));
        expect(header.firstSeq).toBeGreaterThan(lastSeq);
        lastSeq = header.firstSeq;
        const block = needed.get(lastSeq);
        if (block === undefined) continue;
        expect(payload.equals(block.payload)).toBe(true);
        needed.delete(lastSeq);
        found += 1;
      }
      expect(found).toBeGreaterThan(0);
    }
    expect(needed.size).toBe(0);
    if (!this.#isTorn) expect(this.#spool.bytes).toBe(bytes);
    const ofLogs = this.#logs.reduce((sum, log) => sum + log.bytes, 0);
    expect(this.#spool.bytes).toBe(ofLogs);
    if (process.platform === 'linux') {
      const files = await segmentFiles(this.#folder);
      expect(await openSegments(this.#folder)).toHaveLength(files.length);
    }
  }
}

async function runSteps(folder: string, steps: readonly Step[]): Promise<void> {
  const files = new FaultyFiles();
  const spool = await openSpool({ stateFolder: folder, segmentBytes: SEGMENT_BYTES, files });
  try {
    const rig = new Rig(spool, files, folder);
    for (const step of steps) await rig.apply(step);
    await rig.finish();
  } finally {
    files.heal();
    await spool.close();
  }
}

function steps(...arbitraries: fc.WeightedArbitrary<Step>[]): fc.Arbitrary<readonly Step[]> {
  return fc.array(fc.oneof(...arbitraries), { maxLength: 60, size: 'max' });
}

describe('a spool, whatever is done to it', () => {
  it('gives back every block, in files that go when nothing in them is needed', async () => {
    const folder = await stateFolder();
    const property = fc.asyncProperty(steps(...healthySteps), (all) => runSteps(folder, all));
    await fc.assert(property, { numRuns: 60 });
  });

  it('gives back every block that it took, whatever fails', async () => {
    const folder = await stateFolder();
    const all = steps(...healthySteps, ...faultySteps);
    await fc.assert(
      fc.asyncProperty(all, (some) => runSteps(folder, some)),
      { numRuns: 150 },
    );
  });
});

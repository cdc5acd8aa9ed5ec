import { readdir } from 'node:fs/promises';
import { expect } from 'vitest';
import type { OutputStream as StreamName } from '../../src/output/event.ts';
import type { Overflow } from '../../src/output/event-log-options.ts';
import type { TierSizes } from '../../src/output/log-sizes.ts';
import { OutputStore } from '../../src/output/output-store.ts';
import { SPOOL_STALL_MS } from '../../src/output/sizes.ts';
import { openSpool, type Spool } from '../../src/output/spool/spool.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { hasGap, isSettled, LogRig, outputLength, type Reader } from './log-rig.ts';
import { FaultyFiles, type FaultyOperation } from './spool/faulty-files.ts';
import { openSegments, segmentFiles } from './spool/support.ts';

/** How many logs share the store. */
export const LOGS = 3;

/** What a store and its logs are made with: small, so that every bound is met all the time. */
export interface Plan {
  readonly overflows: readonly Overflow[];
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly retainedBytes: number;
  readonly segmentBytes: number;
  readonly sizes: TierSizes;
}

export type Step =
  | {
      readonly kind: 'output';
      readonly log: number;
      readonly stream: StreamName;
      readonly length: number;
    }
  | { readonly kind: 'lifecycle' | 'open' | 'close' | 'abandon' | 'dispose'; readonly log: number }
  | {
      readonly kind: 'resume';
      readonly log: number;
      readonly reader: number;
      readonly keep: number;
    }
  | {
      readonly kind: 'read';
      readonly log: number;
      readonly reader: number;
      readonly maxBytes: number;
    }
  | { readonly kind: 'wait' | 'leave'; readonly log: number; readonly reader: number }
  | { readonly kind: 'turn' | 'settle' | 'hold' | 'letGo' | 'heal' }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'chunk'; readonly bytes: number }
  | { readonly kind: 'fault'; readonly operation: FaultyOperation; readonly bytesBefore: number };

/** A log whose first reader never leaves. */
interface Member {
  readonly rig: LogRig;
  readonly overflow: Overflow;
  readonly faithful: Reader;
  /** A reader's read that is under way. */
  readonly reading: Map<Reader, Promise<void>>;
}

/** Several logs over one store, with files that fail when they are told to. */
export class TiersRig {
  readonly #plan: Plan;
  readonly #folder: string;
  readonly #clock = new FakeClock();
  readonly #files: FaultyFiles;
  readonly #spool: Spool;
  readonly #store: OutputStore;
  readonly #members: Member[];
  /** Reads of logs that are gone. */
  readonly #orphans: Promise<void>[] = [];
  #held = false;
  #mayLose = false;

  private constructor(plan: Plan, folder: string, files: FaultyFiles, spool: Spool) {
    const { diskBytes, memoryBytes, overflows, sizes } = plan;
    this.#plan = plan;
    this.#folder = folder;
    this.#files = files;
    this.#spool = spool;
    const clock = this.#clock;
    this.#store = new OutputStore({ clock, memoryBytes, diskBytes, spool, sizes });
    this.#members = overflows.map((overflow) => this.#begin(overflow));
  }

  /** Does some steps from the beginning to the end of all logs. */
  static async run(folder: string, plan: Plan, steps: readonly Step[]): Promise<void> {
    const files = new FaultyFiles();
    const { segmentBytes } = plan;
    const spool = await openSpool({ stateFolder: folder, segmentBytes, files });
    try {
      const rig = new TiersRig(plan, folder, files, spool);
      for (const step of steps) {
        await rig.#apply(step);
        rig.#check();
      }
      await rig.#finish();
    } finally {
      files.heal();
      files.resume();
      await spool.close();
    }
  }

  /** Whether the sizes of all events stay known: there is room for them, in number and in memory. */
  get #remembersSizes(): boolean {
    const { memoryBytes, sizes } = this.#plan;
    return sizes.indexedEvents > 1_000 && memoryBytes > 100_000;
  }

  #begin(overflow: Overflow): Member {
    const { retainedBytes } = this.#plan;
    // What was sent has arrived: what is kept of that comes on top, which is tested elsewhere.
    const sizes = { retainedBytes, slackBytes: 0 };
    const rig = new LogRig({ name: 'p', store: this.#store, overflow, ...sizes });
    return { rig, overflow, faithful: rig.open(), reading: new Map() };
  }

  async #apply(step: Step): Promise<void> {
    switch (step.kind) {
      case 'turn':
        return await new Promise((resolve) => setImmediate(resolve));
      case 'settle':
        return await this.#settle();
      case 'hold':
        if (!this.#held) this.#files.pause();
        this.#held = true;
        return;
      case 'letGo':
        return this.#letGo();
      case 'heal':
        return this.#files.heal();
      case 'pass':
        return this.#clock.advance(step.ms);
      case 'chunk':
        this.#files.chunkBytes = step.bytes;
        return;
      case 'fault':
        if (step.operation === 'read') this.#mayLose = true;
        return this.#files.failNext(step.operation, 'EIO', step.bytesBefore);
      default:
        return this.#applyTo(this.#members[step.log % LOGS], step);
    }
  }

  #applyTo(member: Member | undefined, step: Extract<Step, { log: number }>): void {
    if (member === undefined) return;
    const { rig } = member;
    if ('reader' in step) this.#applyToReader(member, rig.pick(step.reader), step);
    else if (step.kind === 'open') rig.open();
    else if (step.kind === 'abandon') rig.log.abandon();
    else if (step.kind === 'dispose') this.#replace(member);
    else if (rig.log.closed) return;
    else if (step.kind === 'output') {
      // A process whose pipe is not read writes nothing.
      if (rig.log.flowing) rig.output(step.stream, step.length);
    } else if (step.kind === 'close') rig.close();
    else rig.lifecycle();
  }

  #applyToReader(
    member: Member,
    reader: Reader | undefined,
    step: Extract<Step, { reader: number }>,
  ): void {
    const { faithful, rig } = member;
    if (reader === undefined) return;
    if (step.kind === 'read') void this.#read(member, reader, step.maxBytes);
    else if (step.kind === 'wait') rig.wait(reader);
    else if (step.kind === 'resume') rig.resume(reader, step.keep);
    else if (reader !== faithful) rig.leave(reader);
  }

  #read({ reading, rig }: Member, reader: Reader, maxBytes: number): Promise<void> {
    const underWay = reading.get(reader);
    if (underWay !== undefined) return underWay;
    const read = reader.cursor.read(maxBytes);
    if (!(read instanceof Promise)) {
      rig.take(reader, read);
      return Promise.resolve();
    }
    const done = read.then((batch) => {
      reading.delete(reader);
      rig.take(reader, batch);
    });
    reading.set(reader, done);
    return done;
  }

  /** A process goes, whatever is being done with its files, and another one comes. */
  #replace(member: Member): void {
    this.#orphans.push(...member.reading.values());
    member.rig.log.dispose();
    member.rig.log.dispose();
    this.#members[this.#members.indexOf(member)] = this.#begin(member.overflow);
  }

  #letGo(): void {
    if (this.#held) this.#files.resume();
    this.#held = false;
  }

  /** What holds at every moment. */
  #check(): void {
    const { memoryBytes, overflows, retainedBytes, sizes } = this.#plan;
    // Of a block whose sizes were forgotten nothing goes before all of it was had.
    const pauseSlack = 200 + (this.#remembersSizes ? 0 : sizes.blockBytes);
    for (const { overflow, rig } of this.#members) {
      expect(rig.log.lastSeq).toBe(rig.truths.length);
      const slack = overflow === 'pause' ? pauseSlack : 0;
      expect(rig.log.outputBytes).toBeLessThanOrEqual(retainedBytes + slack);
    }
    expect(this.#store.writing).toBeGreaterThanOrEqual(0);
    expect(this.#store.memory).toBeGreaterThanOrEqual(this.#store.writing);
    // What readers have a right to is never taken; everything else is.
    if (overflows.includes('pause')) return;
    expect(this.#store.memory - this.#store.writing).toBeLessThanOrEqual(memoryBytes);
  }

  /** Waits for all that is under way, and looks at what is there. */
  async #settle(): Promise<void> {
    this.#letGo();
    for (const { reading } of this.#members) await Promise.all(reading.values());
    await this.#files.quiet();
    expect(this.#store.writing).toBe(0);
    expect(this.#store.disk).toBe(this.#spool.bytes);
    for (const member of this.#members) {
      await this.#checkFresh(member);
      await this.#checkWaiting(member.rig);
    }
  }

  /** One who reads from the beginning is given what is said to be retained. */
  async #checkFresh(member: Member): Promise<void> {
    const { log } = member.rig;
    const before = log.outputBytes;
    const reader = member.rig.open();
    while (reader.cursor.nextSeq <= log.lastSeq) await this.#read(member, reader, 150);
    member.rig.leave(reader);
    member.rig.check(reader);
    // Else a file could not be read, or disk or memory was given up for other logs meanwhile.
    if (log.outputBytes === before) expect(outputLength(reader.received)).toBe(before);
    else expect(outputLength(reader.received)).toBeLessThanOrEqual(before);
  }

  async #checkWaiting({ log, readers }: LogRig): Promise<void> {
    for (const reader of readers) {
      if (reader.waiting === undefined) continue;
      const readable = reader.cursor.nextSeq <= log.lastSeq;
      if (!readable) continue;
      expect(await isSettled(reader.waiting)).toBe(true);
      reader.waiting = undefined;
    }
  }

  /** Ends it all, and looks at what everybody has, and what is left. */
  async #finish(): Promise<void> {
    await this.#settle();
    this.#files.heal();
    for (const member of this.#members) await this.#catchUp(member);
    await this.#files.quiet();
    // All have had all: nothing is left to wait for.
    for (const { rig } of this.#members) expect(rig.log.flowing).toBe(true);
    for (const member of this.#members) {
      if (!member.rig.log.closed) member.rig.close();
      await this.#catchUp(member);
      this.#checkReaders(member);
    }
    await Promise.all(this.#orphans);
    for (const { rig } of this.#members) rig.log.dispose();
    await this.#files.quiet();
    expect(this.#store.memory).toBe(0);
    expect(this.#store.writing).toBe(0);
    expect(this.#spool.bytes).toBe(0);
    expect(await segmentFiles(this.#folder)).toEqual([]);
    expect(await openSegments(this.#folder)).toEqual([]);
    // Waits that nobody woke, and watches over files.
    this.#clock.advance(SPOOL_STALL_MS);
    expect(this.#clock.pending).toBe(0);
    await this.#spool.close();
    expect(await readdir(this.#folder)).toEqual([]);
  }

  async #catchUp(member: Member): Promise<void> {
    const { log, readers } = member.rig;
    for (const reader of readers) {
      while (reader.cursor.nextSeq <= log.lastSeq) await this.#read(member, reader, 200);
    }
  }

  #checkReaders({ faithful, overflow, rig }: Member): void {
    const exact = this.#remembersSizes;
    for (const reader of rig.readers) rig.checkWhole(reader, exact || !reader.resumed);
    if (overflow === 'pause' && !this.#mayLose) expect(hasGap(faithful.received)).toBe(false);
  }
}

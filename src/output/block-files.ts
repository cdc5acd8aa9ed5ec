import type { EventBlock } from './event-block.ts';
import { type FileEnd, FileEnds } from './file-ends.ts';
import { KnownBlocks } from './known-blocks.ts';
import type { OutputStore, StoredLog } from './output-store.ts';
import type { RetainedEvents } from './retained-events.ts';
import { SPOOL_RETRY_MS, SPOOL_STALL_MS } from './sizes.ts';
import { SpoolError } from './spool/spool-error.ts';
import type { SpoolLog } from './spool/spool-log.ts';
import type { Relief } from './store-ledger.ts';

/** The blocks of a log, as their files see them. */
export interface BlockHolder {
  readonly events: RetainedEvents;
  /** A write came to its end, or takes too long. */
  changed(): void;
  /** A block cannot be read any more. */
  lose(block: EventBlock): void;
}

/**
 * Moves the older blocks of a log from memory to files, and reads them from there.
 * What cannot be written stays in memory, as far as the budget goes, and is tried
 * again later. Whatever is done to it from outside only changes what it holds: who does so
 * tells the store.
 */
export class BlockFiles {
  readonly #log: StoredLog;
  readonly #store: OutputStore;
  readonly #name: string;
  readonly #holder: BlockHolder;
  readonly #known: KnownBlocks;
  readonly #ends = new FileEnds();
  readonly #loading = new Map<EventBlock, Promise<Buffer | undefined>>();
  #files: SpoolLog | undefined;
  #memory = 0;
  #writing = 0;
  #stalled = 0;
  #restsUntil = Number.NEGATIVE_INFINITY;
  #changed = false;
  /** The first event of what was not handed to the files so far. */
  #unwrittenSeq = 1;
  #closed = false;

  constructor(log: StoredLog, store: OutputStore, name: string, holder: BlockHolder) {
    const { indexedEvents, recordBytes } = store.sizes;
    this.#log = log;
    this.#store = store;
    this.#name = name;
    this.#holder = holder;
    this.#known = new KnownBlocks(recordBytes, indexedEvents);
  }

  /** Bytes of memory that its blocks have. */
  get memory(): number {
    return this.#memory;
  }

  /** Those of them that are being written. */
  get writing(): number {
    return this.#writing;
  }

  /** Those about which the disk does not answer. */
  get stalled(): number {
    return this.#stalled;
  }

  /** Bytes of its files. */
  get disk(): number {
    return this.#files?.bytes ?? 0;
  }

  /** What is known of blocks that are not in memory. */
  get known(): KnownBlocks {
    return this.#known;
  }

  /** On the monotonic clock: nothing is written before. */
  get restsUntil(): number {
    return this.#restsUntil;
  }

  /** So much is being written that the process should wait for that. */
  get lagging(): boolean {
    const { hotBytes, lagBytes } = this.#store.sizes;
    return this.#memory > hotBytes + lagBytes && this.#writing > 0 && this.#mayWrite;
  }

  /** Whether it holds more or less than when this was asked last. */
  takeChanged(): boolean {
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }

  /** A block's memory grew; `begun`: it has its first event. */
  grew(bytes: number, begun: boolean): void {
    this.#addMemory(begun ? bytes + this.#store.sizes.recordBytes : bytes);
  }

  /** Begins to write what is more than shall stay in memory. */
  spillOver(): void {
    while (this.#memory - this.#writing > this.#store.sizes.hotBytes) {
      if (!this.#mayWrite) return;
      const block = this.oldestInMemory();
      if (block === undefined || !block.sealed) return;
      this.#write(block);
    }
  }

  /** The oldest block that is in memory alone and not being written. */
  oldestInMemory(): EventBlock | undefined {
    const { events } = this.#holder;
    for (let i = events.indexOf(this.#unwrittenSeq); ; i++) {
      const block = events.blocks.at(i);
      if (block === undefined) return undefined;
      if (block.memory > 0 && !block.writing) return block;
    }
  }

  /** What is in its oldest file; undefined: there is none that would go if nothing in it was needed. */
  oldestFile(): FileEnd | undefined {
    return this.#ends.oldest;
  }

  /** Whether a block can be written now, for all that is known. */
  get #mayWrite(): boolean {
    const rests = this.#store.clock.monotonic() < this.#restsUntil;
    return !rests && this.#store.maySpill(this.#log);
  }

  /** Does what was decided: see `Relief`. */
  relieve(action: Relief<unknown>['action']): void {
    const { events } = this.#holder;
    if (action === 'forget') {
      if (events.dropped.forgettable > this.#known.sizesBytes) events.dropped.halve();
      else this.#known.halve();
    } else if (action === 'drop-file') {
      events.dropThrough(this.oldestFile()?.lastSeq ?? 0);
    } else {
      const block = this.oldestInMemory();
      if (block === undefined) return;
      if (action === 'spill') this.#write(block);
      else events.lose(block);
    }
  }

  /** Begins to write a block, to which nothing is appended any more. */
  #write(block: EventBlock): void {
    const { encoded } = block;
    if (encoded === undefined) return;
    const memory = this.#memoryOf(block);
    block.sealed = true;
    block.writing = true;
    this.#unwrittenSeq = Math.max(this.#unwrittenSeq, block.lastSeq + 1);
    this.#writing += memory;
    this.#changed = true;
    const endWatch = this.#watch(memory);
    void this.#append(block, encoded).then((written) => {
      endWatch();
      block.writing = false;
      this.#writing -= memory;
      this.#settle(block, written);
      this.#holder.changed();
    });
  }

  /**
   * All encoded events of a block that is in a file; undefined: they cannot be read,
   * and the block is lost, or was dropped meanwhile.
   */
  load(block: EventBlock): Promise<Buffer | undefined> {
    let loading = this.#loading.get(block);
    if (loading === undefined) {
      loading = this.#read(block).finally(() => this.#loading.delete(block));
      this.#loading.set(block, loading);
    }
    return loading;
  }

  /** A block is not retained any more, or lost: gives back what it has. */
  forget(block: EventBlock): void {
    const { place } = block;
    this.#changed = true;
    if (place !== undefined) {
      block.place = undefined;
      this.#ends.leave(place.file);
      this.#files?.release(place);
    }
    // Its memory is needed until it was written.
    if (block.writing) return;
    this.#freeMemory(block);
    if (this.#holder.events.retains(block)) this.#known.add(block);
    else this.#known.remove(block);
  }

  /** Gives up what is left of the files, when nothing is retained any more. */
  close(): void {
    this.#closed = true;
    this.#files?.close();
  }

  /** Resolves with whether it could be written. Never rejects. */
  async #append(block: EventBlock, encoded: Buffer): Promise<boolean> {
    const { before, count, firstSeq } = block;
    try {
      this.#files ??= this.#store.openFiles(this.#name);
      if (this.#files === undefined) return false;
      const header = { firstSeq, eventCount: count, before };
      block.place = await this.#files.append(header, [encoded]);
      this.#ends.enter(block.place.file, block.lastSeq);
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  /** The writing of a block came to its end. */
  #settle(block: EventBlock, written: boolean): void {
    this.#changed = true;
    if (this.#closed || block.lost || !this.#holder.events.retains(block)) {
      this.forget(block);
    } else if (written) {
      this.#freeMemory(block);
      this.#known.add(block);
      this.#store.worked();
    } else {
      this.#unwrittenSeq = Math.min(this.#unwrittenSeq, block.firstSeq);
    }
  }

  #memoryOf(block: EventBlock): number {
    return block.memory === 0 ? 0 : block.memory + this.#store.sizes.recordBytes;
  }

  #freeMemory(block: EventBlock): void {
    const memory = this.#memoryOf(block);
    block.freeMemory();
    this.#addMemory(-memory);
  }

  #addMemory(bytes: number): void {
    this.#memory += bytes;
    if (bytes !== 0) this.#changed = true;
  }

  async #read(block: EventBlock): Promise<Buffer | undefined> {
    const { place } = block;
    if (place === undefined) return undefined;
    try {
      return await this.#files?.read(place);
    } catch (error) {
      // Dropped while it waited for its turn: that is no failure.
      if (this.#closed || !this.#holder.events.retains(block)) return undefined;
      this.#store.failed(error, 'read');
      this.#holder.lose(block);
      return undefined;
    }
  }

  /**
   * A disk that does not answer holds up no process: it is taken for one that failed.
   * Returns what ends the watch.
   */
  #watch(bytes: number): () => void {
    let stalled = 0;
    const timer = this.#store.clock.setTimer(SPOOL_STALL_MS, () => {
      stalled = bytes;
      this.#stalled += stalled;
      this.#fail(new SpoolError('write', 'ETIMEDOUT'));
      this.#holder.changed();
    });
    return () => {
      timer.cancel();
      this.#stalled -= stalled;
    };
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.#restsUntil = this.#store.clock.monotonic() + SPOOL_RETRY_MS;
    this.#changed = true;
    this.#store.failed(error, 'write');
  }
}

import { SPOOL_RETRY_MS, SPOOL_STALL_MS } from '../limits.ts';
import type { EventBlock } from './event-block.ts';
import { Fifo } from './fifo.ts';
import type { OutputStore, StoredLog } from './output-store.ts';
import type { RetainedEvents } from './retained-events.ts';
import { SpoolError } from './spool/spool-error.ts';
import type { SpoolLog } from './spool/spool-log.ts';

/** The blocks of a log, as their files see them. */
export interface BlockHolder {
  readonly events: RetainedEvents;
  /** Memory was given back, or files work again or not. */
  changed(): void;
  /** A block cannot be read any more. */
  lose(block: EventBlock): void;
}

/**
 * Moves the older blocks of a log from memory to files, and reads them from there.
 * What cannot be written stays in memory, as far as the budget goes, and is tried
 * again later.
 */
export class BlockFiles {
  readonly #log: StoredLog;
  readonly #store: OutputStore;
  readonly #name: string;
  readonly #holder: BlockHolder;
  #files: SpoolLog | undefined;
  #memory = 0;
  #writing = 0;
  /** The first event of what was not handed to the files so far. */
  #unwrittenSeq = 1;
  /** On the monotonic clock: no file is written before. */
  #failedUntil = Number.NEGATIVE_INFINITY;
  readonly #loading = new Map<EventBlock, Promise<Buffer | undefined>>();
  /** Those in files of whose events the sizes are known. */
  readonly #indexed = new Fifo<EventBlock>();
  #indexedEvents = 0;
  #closed = false;

  constructor(log: StoredLog, store: OutputStore, name: string, holder: BlockHolder) {
    this.#log = log;
    this.#store = store;
    this.#name = name;
    this.#holder = holder;
  }

  /** Whether a block can be written now, for all that is known. */
  get canWrite(): boolean {
    return (
      !this.#closed && this.#store.canSpill && this.#store.clock.monotonic() >= this.#failedUntil
    );
  }

  /** So much is being written that the process should wait for that. */
  get lagging(): boolean {
    const { hotBytes, lagBytes } = this.#store.sizes;
    return this.#memory > hotBytes + lagBytes && this.#writing > 0 && this.canWrite;
  }

  /** A block was begun, and has its first event. */
  began(block: EventBlock): void {
    this.#store.began(this.#log, block);
  }

  /** The memory of its blocks grew, or shrank. */
  memoryChanged(bytes: number): void {
    if (bytes === 0) return;
    this.#memory += bytes;
    this.#store.memoryChanged(bytes);
  }

  /** Begins to write what is more than shall stay in memory. */
  spillOver(): void {
    while (this.#memory - this.#writing > this.#store.sizes.hotBytes && this.canWrite) {
      const block = this.oldestInMemory();
      if (block === undefined || !block.sealed) return;
      this.write(block);
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

  /** The oldest block that is in a file; older ones may be in memory, as they failed. */
  oldestInFile(): EventBlock | undefined {
    if (this.#files === undefined || this.#files.bytes === 0) return undefined;
    for (let i = 0; ; i++) {
      const block = this.#holder.events.blocks.at(i);
      if (block === undefined || block.place !== undefined) return block;
    }
  }

  /** Begins to write a block, to which nothing is appended any more. */
  write(block: EventBlock): void {
    const { encoded, memory } = block;
    if (encoded === undefined) return;
    block.writing = true;
    this.#unwrittenSeq = Math.max(this.#unwrittenSeq, block.lastSeq + 1);
    this.#writing += memory;
    this.#store.writingChanged(memory);
    const endWatch = this.#watch(memory);
    void this.#append(block, encoded).then((written) => {
      endWatch();
      block.writing = false;
      this.#writing -= memory;
      this.#store.writingChanged(-memory);
      this.#settle(block, written);
      this.#store.reconsider();
      this.spillOver();
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
    if (!block.writing) this.#freeMemory(block);
    if (place !== undefined) {
      block.place = undefined;
      this.#files?.release(place);
    }
    while (this.#indexed.length > 0 && this.#indexed.at(0)?.place === undefined) {
      this.#indexedEvents -= this.#indexed.shift()?.count ?? 0;
    }
  }

  /** Nothing is needed any more. */
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
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  /** The writing of a block came to its end. */
  #settle(block: EventBlock, written: boolean): void {
    if (this.#closed || !this.#holder.events.retains(block) || block.lost) {
      this.forget(block);
    } else if (written) {
      this.#freeMemory(block);
      this.#store.written(this.#log, block);
      this.#remember(block);
    } else {
      this.#unwrittenSeq = Math.min(this.#unwrittenSeq, block.firstSeq);
      this.#store.notWritten(this.#log, block);
    }
  }

  #freeMemory(block: EventBlock): void {
    const { memory } = block;
    block.freeMemory();
    this.memoryChanged(-memory);
  }

  /** The sizes of its events stay known, until there are too many of them. */
  #remember(block: EventBlock): void {
    this.#indexed.push(block);
    this.#indexedEvents += block.count;
    while (this.#indexedEvents > this.#store.sizes.indexedEvents) {
      const oldest = this.#indexed.shift();
      oldest?.forgetSizes();
      this.#indexedEvents -= oldest?.count ?? 0;
    }
  }

  async #read(block: EventBlock): Promise<Buffer | undefined> {
    const { place } = block;
    if (place === undefined) return undefined;
    try {
      return await this.#files?.read(place);
    } catch (error) {
      // Dropped while it waited for its turn: that is no failure.
      if (this.#closed || !this.#holder.events.retains(block)) return undefined;
      this.#store.failed(error);
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
      this.#store.stalledChanged(stalled);
      this.#fail(new SpoolError('write', 'ETIMEDOUT'));
      this.#store.reconsider();
      this.#holder.changed();
    });
    return () => {
      timer.cancel();
      this.#store.stalledChanged(-stalled);
    };
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.#failedUntil = this.#store.clock.monotonic() + SPOOL_RETRY_MS;
    this.#store.failed(error);
  }
}

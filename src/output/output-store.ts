import type { Clock, Timer } from '../clock.ts';
import { SPOOL_RETRY_MS } from '../limits.ts';
import { BlockQueue } from './block-queue.ts';
import type { EventBlock } from './event-block.ts';
import { DEFAULT_TIER_SIZES, type TierSizes } from './log-sizes.ts';
import type { Spool } from './spool/spool.ts';
import type { SpoolLog } from './spool/spool-log.ts';

/** A log as the store sees it. */
export interface StoredLog {
  /** Its process is closed: nothing is appended any more, and its output is the first to go. */
  readonly closed: boolean;
  /** Its oldest block that only memory holds; undefined: there is none. */
  oldestInMemory(): EventBlock | undefined;
  /** Its oldest block that is in a file; undefined: there is none. */
  oldestInFile(): EventBlock | undefined;
  /** Whether a block still belongs to it, in memory alone, and is not being written. */
  holdsInMemory(block: EventBlock): boolean;
  /** Whether a block still belongs to it, in a file. */
  holdsInFile(block: EventBlock): boolean;
  /** Begins to write a block to a file; false: it cannot be done now. */
  spill(block: EventBlock): boolean;
  /** Gives up a block that is in memory; false: somebody still needs it. */
  lose(block: EventBlock): boolean;
  /** Gives up everything up to the end of a block; false: somebody still needs it. */
  dropThrough(block: EventBlock): boolean;
  /** What it was told of {@link OutputStore.pressure} may have changed. */
  pressureChanged(): void;
}

/** How a store is made. */
export interface OutputStoreOptions {
  readonly clock: Clock;
  /** Bytes of output in memory that all logs may have together. */
  readonly memoryBytes: number;
  /** Bytes of files that all logs may have together. */
  readonly diskBytes: number;
  /** Where older output goes; undefined: it stays in memory. */
  readonly spool: Spool | undefined;
  /** Other sizes of the tiers than {@link DEFAULT_TIER_SIZES}. */
  readonly sizes?: Partial<TierSizes>;
  /** Told when the spool fails, and when it works again. */
  readonly onProblem?: (problem: StoreProblem) => void;
}

/** What an operator should know of the store. */
export type StoreProblem =
  | { readonly kind: 'spool-failed'; readonly error: unknown }
  | { readonly kind: 'spool-recovered' };

/**
 * How much too full the store is. `lagging`: files are being written, and output comes
 * faster. `full`: what is there may not be dropped, since readers need it.
 */
export type Pressure = 'none' | 'lagging' | 'full';

/** How far memory may be beyond the budget while it is being written to files. */
const LAG_FACTOR = 1.5;

/**
 * What all logs of a server share: a budget of memory and one of disk. When one is
 * reached the oldest output of closed processes goes first, in the order in which
 * they were closed, then the oldest of all others: from memory to files, and from
 * where it cannot go further, for good.
 */
export class OutputStore {
  readonly clock: Clock;
  readonly sizes: TierSizes;
  readonly #memoryBytes: number;
  readonly #diskBytes: number;
  readonly #spool: Spool | undefined;
  readonly #onProblem: (problem: StoreProblem) => void;
  /** Those of closed processes that may have something in memory, in the order of closing. */
  readonly #closedInMemory = new Set<StoredLog>();
  /** Those that may have something in files. */
  readonly #closedInFiles = new Set<StoredLog>();
  /** In the order in which they were begun. */
  readonly #inMemory = new BlockQueue<StoredLog>(({ log, block }) => log.holdsInMemory(block));
  /** In the order in which they were written. */
  readonly #inFiles = new BlockQueue<StoredLog>(({ log, block }) => log.holdsInFile(block));
  readonly #pressed = new Set<StoredLog>();
  #memory = 0;
  #writing = 0;
  #stalled = 0;
  #begun = 0;
  #relieving = false;
  #dropping = false;
  /** Set while there is pressure because files fail. */
  #retry: Timer | undefined;
  #pressure: Pressure = 'none';
  #diskFull = false;
  #failing = false;

  constructor(options: OutputStoreOptions) {
    this.clock = options.clock;
    this.sizes = { ...DEFAULT_TIER_SIZES, ...options.sizes };
    this.#memoryBytes = options.memoryBytes;
    this.#diskBytes = options.diskBytes;
    this.#spool = options.spool;
    this.#onProblem = options.onProblem ?? (() => {});
  }

  /** Bytes of memory that all logs have. */
  get memory(): number {
    return this.#memory;
  }

  /** Those of them that are being written to files. */
  get writing(): number {
    return this.#writing;
  }

  /** Bytes of files that all logs have. */
  get disk(): number {
    return this.#spool?.bytes ?? 0;
  }

  /** How much too full it is. A log that asks while it is will be told of a change. */
  pressureFor(log: StoredLog): Pressure {
    if (this.#pressure !== 'none') this.#pressed.add(log);
    return this.#pressure;
  }

  /**
   * Whether a block could be written now, for all that is known. While the disk does
   * not answer nothing more is given to it.
   */
  get canSpill(): boolean {
    return this.#spool !== undefined && !this.#diskFull && this.#stalled === 0;
  }

  /** The files of a process; undefined: there are none. */
  openFiles(name: string): SpoolLog | undefined {
    return this.#spool?.openLog({ processId: name });
  }

  /** A block was begun. */
  began(log: StoredLog, block: EventBlock): void {
    block.order = this.#begun++;
    this.#inMemory.push({ log, block });
  }

  /** The memory of a log grew, or shrank. */
  memoryChanged(bytes: number): void {
    this.#memory += bytes;
    if (bytes > 0 ? this.#memory > this.#memoryBytes : this.#pressure !== 'none') this.#relieve();
  }

  /** A block of so many bytes of memory is being written, or is no longer. */
  writingChanged(bytes: number): void {
    this.#writing += bytes;
  }

  /** The disk does not answer about a block of so many bytes of memory, or did after all. */
  stalledChanged(bytes: number): void {
    this.#stalled += bytes;
  }

  /** A block was written. */
  written(log: StoredLog, block: EventBlock): void {
    if (this.#failing) this.#onProblem({ kind: 'spool-recovered' });
    this.#failing = false;
    if (log.closed) this.#closedInFiles.add(log);
    this.#inFiles.push({ log, block });
  }

  /** A block could not be written, and is in memory alone as before. */
  notWritten(log: StoredLog, block: EventBlock): void {
    if (log.closed) this.#closedInMemory.add(log);
    this.#inMemory.putBack({ log, block });
  }

  /** A block could not be written, or not read. */
  failed(error: unknown): void {
    if (!this.#failing) this.#onProblem({ kind: 'spool-failed', error });
    this.#failing = true;
  }

  /** More may be taken than before: a write came to its end, or somebody needs less. */
  reconsider(): void {
    this.diskChanged();
    if (this.#memory > this.#memoryBytes || this.#pressure !== 'none') this.#relieve();
  }

  /** Files grew, or may have gone. */
  diskChanged(): void {
    const spool = this.#spool;
    if (spool === undefined || this.#dropping) return;
    this.#dropping = true;
    while (spool.bytes > this.#diskBytes && this.#dropFromFiles());
    this.#dropping = false;
    const full = spool.bytes > this.#diskBytes;
    if (full === this.#diskFull) return;
    this.#diskFull = full;
    this.#relieve();
  }

  /** A log's process is closed. */
  closed(log: StoredLog): void {
    this.#closedInMemory.add(log);
    this.#closedInFiles.add(log);
    this.reconsider();
  }

  /** A log is gone, with so many blocks; it has given back its memory. */
  remove(log: StoredLog, blocks: number): void {
    this.#inMemory.forget(blocks);
    this.#inFiles.forget(blocks);
    this.#closedInMemory.delete(log);
    this.#closedInFiles.delete(log);
    this.#pressed.delete(log);
    this.diskChanged();
  }

  #relieve(): void {
    // What is taken changes memory, and leads back here.
    if (this.#relieving) return;
    this.#relieving = true;
    while (this.#memory - this.#writing > this.#memoryBytes && this.#takeFromMemory());
    this.#relieving = false;
    const pressure = this.#measure();
    this.#retryLater(pressure);
    if (pressure === this.#pressure) return;
    this.#pressure = pressure;
    const pressed = [...this.#pressed];
    this.#pressed.clear();
    for (const log of pressed) log.pressureChanged();
  }

  #measure(): Pressure {
    if (this.#memory - this.#writing > this.#memoryBytes) return 'full';
    // What a disk that does not answer holds comes back nobody knows when.
    const lagging = this.#memory - this.#stalled > LAG_FACTOR * this.#memoryBytes;
    return lagging ? 'lagging' : 'none';
  }

  /** All who would try the files again may be waiting for just that. */
  #retryLater(pressure: Pressure): void {
    if (pressure === 'none' || !this.#failing) {
      this.#retry?.cancel();
      this.#retry = undefined;
      return;
    }
    this.#retry ??= this.clock.setTimer(SPOOL_RETRY_MS, () => {
      this.#retry = undefined;
      this.#relieve();
    });
  }

  /** Takes one block out of memory, or begins to; false: there is none that can be taken. */
  #takeFromMemory(): boolean {
    for (const log of this.#closedInMemory) {
      const block = log.oldestInMemory();
      // It will not have any again, unless what is being written comes back.
      if (block === undefined) this.#closedInMemory.delete(log);
      else if (log.spill(block) || log.lose(block)) return true;
    }
    return this.#inMemory.takeFirst(({ log, block }) => log.spill(block) || log.lose(block));
  }

  #dropFromFiles(): boolean {
    for (const log of this.#closedInFiles) {
      const block = log.oldestInFile();
      // It will not have any again, unless something is written yet.
      if (block === undefined) this.#closedInFiles.delete(log);
      else if (log.dropThrough(block)) return true;
    }
    return this.#inFiles.takeFirst(({ log, block }) => log.dropThrough(block));
  }
}

import { Ranking } from './ranking.ts';
import {
  COPIED_PART,
  INDEX_PART,
  KEPT_PART,
  KEPT_PART_OF_SMALL,
  LAG_FACTOR,
  MIN_INDEX_BYTES,
  SMALL_BYTES,
  SMALL_PART,
} from './sizes.ts';

/** What a log holds, and what of that may go. */
export interface Standing {
  /** Bytes of memory that its blocks have. */
  readonly memory: number;
  /** Those of them that are being written. */
  readonly writing: number;
  /** Those about which the disk does not answer. */
  readonly stalled: number;
  /** Bytes of its files. */
  readonly disk: number;
  /** Bytes of memory in which is what it knows of its blocks and of dropped events. */
  readonly index: number;
  /** Those of them that it could do without. */
  readonly forgettable: number;
  /** Its oldest block that is in memory alone: whether somebody has a right to it. */
  readonly oldestBlock: 'none' | 'free' | 'needed';
  /** The same of its oldest file; `none` also while that is written to, as it would not go. */
  readonly oldestFile: 'none' | 'free' | 'needed';
  /** Somebody has a right to its newest event. */
  readonly keeps: boolean;
  /** Its process is closed, and nobody is reading who has not had all. */
  readonly over: boolean;
  /** On the monotonic clock: it begins to write nothing before. */
  readonly restsUntil: number;
}

/** The budgets that all share. */
export interface Budgets {
  /** Bytes of memory. */
  readonly memoryBytes: number;
  /** Bytes of files. */
  readonly diskBytes: number;
  /** There are files. */
  readonly hasFiles: boolean;
}

/** What has to be done next so that the budgets are kept. */
export interface Relief<Log> {
  readonly log: Log;
  /**
   * `spill`: its oldest block goes to a file. `lose`: it goes for good. `drop-file`: all up to
   * the end of its oldest file goes. `forget`: half of what it could do without goes.
   */
  readonly action: 'spill' | 'lose' | 'drop-file' | 'forget';
}

/**
 * How much too full memory is for a log. `lagging`: files are being written, and output comes
 * faster. `full`: what is there may not be dropped, and this log has its part of it.
 */
export type Pressure = 'none' | 'lagging' | 'full';

/** Ranks of those that are over lie before all others. */
const OVER = -(2 ** 52);

interface Account {
  standing: Standing;
  /** Which of those that are over it is; undefined: it was not so far. */
  order: number | undefined;
}

/**
 * Who gives what when memory or disk is used up, and who waits: decided by what logs
 * hold and by nothing else. It does nothing itself.
 *
 * What closed processes left goes first, in the order in which they were closed; then
 * the oldest of whoever holds most, so that nobody pays for another who holds more. What must
 * not be dropped has a part of memory and of disk: beyond it, those whose readers need
 * it give what these have had, and wait. Every step takes a time that grows with the
 * logarithm of the number of logs.
 */
export class StoreLedger<Log> {
  /** Bytes of memory that readers have beside that of logs. */
  copied = 0;
  readonly #budgets: Budgets;
  readonly #accounts = new Map<Log, Account>();
  /** By their oldest block in memory: those that may give it up, and those that may only write it. */
  readonly #free = new Ranking<Log>();
  readonly #needed = new Ranking<Log>();
  /** Those of the first that keep newer ones. */
  readonly #freeOfKeepers = new Ranking<Log>();
  /** Those that may give up their oldest file, and those of them that keep newer ones. */
  readonly #files = new Ranking<Log>();
  readonly #filesOfKeepers = new Ranking<Log>();
  readonly #forgettable = new Ranking<Log>();
  /** Those that rest, by when that ends. */
  readonly #resting = new Ranking<Log>();
  #memory = 0;
  #writing = 0;
  #stalled = 0;
  #disk = 0;
  #index = 0;
  #keptMemory = 0;
  #keptDisk = 0;
  #closed = 0;

  constructor(budgets: Budgets) {
    this.#budgets = budgets;
  }

  /** Bytes of memory that all logs have. */
  get memory(): number {
    return this.#memory;
  }

  /** Those of them that are being written. */
  get writing(): number {
    return this.#writing;
  }

  /** Bytes of memory in which is what logs know of events that are not there themselves. */
  get index(): number {
    return this.#index;
  }

  /** A log stands otherwise than before, or is new. `now` is on the monotonic clock. */
  update(log: Log, standing: Standing, now: number): void {
    let account = this.#accounts.get(log);
    if (account === undefined) {
      account = { standing, order: undefined };
      this.#accounts.set(log, account);
    } else {
      this.#count(account.standing, -1);
    }
    account.standing = standing;
    if (standing.over) account.order ??= this.#closed++;
    this.#count(standing, 1);
    this.#rank(log, account, now);
  }

  /** A log is gone. */
  remove(log: Log): void {
    const account = this.#accounts.get(log);
    if (account === undefined) return;
    this.#count(account.standing, -1);
    this.#accounts.delete(log);
    for (const ranking of this.#rankings) ranking.set(log, undefined);
  }

  /** Those that have rested may write again. */
  wake(now: number): void {
    while (this.#resting.firstRank <= now) {
      const log = this.#resting.first;
      const account = log === undefined ? undefined : this.#accounts.get(log);
      if (log === undefined || account === undefined) return;
      this.#rank(log, account, now);
    }
  }

  /** Whether there is room for a block that a log would write, unless it rests. */
  maySpill(log: Log): boolean {
    const keeps = this.#accounts.get(log)?.standing.keeps ?? false;
    return this.#canWrite && !(keeps && this.#keptDiskIsFull);
  }

  /** The next that has to be done; undefined: nothing has, or nothing can. */
  next(): Relief<Log> | undefined {
    return this.#nextOfIndex() ?? this.#nextOfDisk() ?? this.#nextOfMemory();
  }

  /** How much too full memory is for a log. */
  pressureFor(log: Log): Pressure {
    if (this.isLagging) return 'lagging';
    return this.#isFullFor(log) ? 'full' : 'none';
  }

  /** How many of those whose output must not be dropped are to wait: 0: none; 1: some; 2: all. */
  get fullness(): 0 | 1 | 2 {
    if (this.#isOver || this.#keptMemory > KEPT_PART_OF_SMALL * this.#budgets.memoryBytes) return 2;
    return this.#keptIsOver ? 1 : 0;
  }

  /** Files are being written, and output comes faster: all are to wait. */
  get isLagging(): boolean {
    // What a disk that does not answer holds comes back nobody knows when.
    const memory = this.#memory + this.#index - this.#stalled;
    return this.#writing > 0 && memory > LAG_FACTOR * this.#budgets.memoryBytes;
  }

  get #rankings(): readonly Ranking<Log>[] {
    return [
      this.#free,
      this.#needed,
      this.#freeOfKeepers,
      this.#files,
      this.#filesOfKeepers,
      this.#forgettable,
      this.#resting,
    ];
  }

  get #canWrite(): boolean {
    const { diskBytes, hasFiles } = this.#budgets;
    // While the disk does not answer nothing more is given to it.
    return hasFiles && this.#disk <= diskBytes && this.#stalled === 0;
  }

  get #keptDiskIsFull(): boolean {
    return this.#keptDisk > KEPT_PART * this.#budgets.diskBytes;
  }

  /** More is in memory than may be, but for what is being written. */
  get #isOver(): boolean {
    const { memoryBytes } = this.#budgets;
    const copied = Math.min(this.copied, COPIED_PART * memoryBytes);
    return this.#memory + this.#index + copied - this.#writing > memoryBytes;
  }

  get #keptIsOver(): boolean {
    return this.#keptMemory > KEPT_PART * this.#budgets.memoryBytes;
  }

  #isFullFor(log: Log): boolean {
    const { fullness } = this;
    if (fullness !== 1) return fullness === 2;
    const standing = this.#accounts.get(log)?.standing;
    const held = standing === undefined ? 0 : standing.memory - standing.writing;
    return held > Math.min(SMALL_BYTES, SMALL_PART * this.#budgets.memoryBytes);
  }

  #nextOfIndex(): Relief<Log> | undefined {
    const most = Math.max(MIN_INDEX_BYTES, INDEX_PART * this.#budgets.memoryBytes);
    if (this.#index <= most) return undefined;
    return relief(this.#forgettable.first, 'forget') ?? relief(this.#files.first, 'drop-file');
  }

  #nextOfDisk(): Relief<Log> | undefined {
    if (this.#disk > this.#budgets.diskBytes) {
      const found = relief(this.#files.first, 'drop-file');
      if (found !== undefined) return found;
    }
    if (!this.#keptDiskIsFull) return undefined;
    return relief(this.#filesOfKeepers.first, 'drop-file');
  }

  #nextOfMemory(): Relief<Log> | undefined {
    if (this.#isOver) {
      const found = this.#oldestBlock(this.#free);
      if (found !== undefined) return found;
    }
    return this.#keptIsOver ? this.#oldestBlock(this.#freeOfKeepers) : undefined;
  }

  /** What becomes of the block of one of those that may give it up, or may write it. */
  #oldestBlock(free: Ranking<Log>): Relief<Log> | undefined {
    const mayWrite = this.#canWrite && !this.#keptDiskIsFull;
    if (mayWrite && this.#needed.firstRank < free.firstRank) {
      return relief(this.#needed.first, 'spill');
    }
    const { first } = free;
    if (first === undefined) return undefined;
    const spills = this.maySpill(first) && !this.#resting.has(first);
    return { log: first, action: spills ? 'spill' : 'lose' };
  }

  #rank(log: Log, { order, standing }: Account, now: number): void {
    const { disk, forgettable, keeps, memory, oldestBlock, oldestFile, over, writing } = standing;
    const rests = standing.restsUntil > now;
    const byMemory = over && order !== undefined ? OVER + order : writing - memory;
    const byDisk = over && order !== undefined ? OVER + order : -disk;
    const free = oldestBlock === 'free' ? byMemory : undefined;
    const file = oldestFile === 'free' ? byDisk : undefined;
    this.#resting.set(log, rests ? standing.restsUntil : undefined);
    this.#free.set(log, free);
    this.#freeOfKeepers.set(log, keeps ? free : undefined);
    this.#needed.set(log, oldestBlock === 'needed' && !rests ? byMemory : undefined);
    this.#files.set(log, file);
    this.#filesOfKeepers.set(log, keeps ? file : undefined);
    this.#forgettable.set(log, forgettable > 0 ? -forgettable : undefined);
  }

  #count(standing: Standing, sign: 1 | -1): void {
    const { disk, index, keeps, memory, stalled, writing } = standing;
    this.#memory += sign * memory;
    this.#writing += sign * writing;
    this.#stalled += sign * stalled;
    this.#disk += sign * disk;
    this.#index += sign * index;
    if (!keeps) return;
    this.#keptMemory += sign * (memory - writing);
    this.#keptDisk += sign * disk;
  }
}

function relief<Log>(log: Log | undefined, action: Relief<Log>['action']): Relief<Log> | undefined {
  return log === undefined ? undefined : { log, action };
}

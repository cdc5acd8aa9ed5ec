import { Holdings, type Share } from './holdings.ts';
import { type Account, OwnerLedger } from './owner-ledger.ts';
import { OwnerRanks } from './owner-ranks.ts';
import { Ranking } from './ranking.ts';
import { COPIED_PART, KEPT_PART } from './sizes.ts';

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
export interface Budgets extends Share {
  /** There are files. */
  readonly hasFiles: boolean;
}

/** How owners of logs share the budgets. */
export interface Sharing<Log> {
  /** The name of the one that a log belongs to. */
  ownerOf(log: Log): string;
  /** What an owner may have. It may change, and is asked when one of its logs does. */
  shareOf(owner: string): Share;
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

/** How pressed somebody is: 0: not at all; 1 and 2: memory is full; 3: files lag. */
export type PressureLevel = 0 | 1 | 2 | 3;

/**
 * Who gives what when memory or disk is used up, and who waits: decided by what logs
 * hold and by nothing else. It does nothing itself.
 *
 * An owner of logs that has more than its share gives of its own, and only its own wait. Where
 * all together have too much, the owner that uses the largest part of its share gives. Of that
 * one what closed processes left goes first, in the order in which they were closed; then
 * the oldest of whoever holds most, so that nobody pays for another who holds more. What must
 * not be dropped has a part of memory and of disk: beyond it, those whose readers need
 * it give what these have had, and wait. Every step takes a time that grows with the
 * logarithm of the number of logs and of owners.
 */
export class StoreLedger<Log> {
  /** Bytes of memory that readers have beside that of logs. */
  copied = 0;
  readonly #budgets: Budgets;
  readonly #sharing: Sharing<Log>;
  readonly #accounts = new Map<Log, Account>();
  /** By their names; those without logs are not there. */
  readonly #owners = new Map<string, OwnerLedger<Log>>();
  readonly #ranks = new OwnerRanks<Log>();
  /** Those that rest, by when that ends. */
  readonly #resting = new Ranking<Log>();
  readonly #all: Holdings;
  #closed = 0;

  /** `sharing`: default: all logs are of one owner, which may have everything. */
  constructor(budgets: Budgets, sharing?: Sharing<Log>) {
    this.#budgets = budgets;
    this.#sharing = sharing ?? { ownerOf: () => '', shareOf: () => budgets };
    this.#all = new Holdings(budgets);
  }

  /** Bytes of memory that all logs have. */
  get memory(): number {
    return this.#all.memory;
  }

  /** Those of them that are being written. */
  get writing(): number {
    return this.#all.writing;
  }

  /** Bytes of memory in which is what logs know of events that are not there themselves. */
  get index(): number {
    return this.#all.index;
  }

  /** How many owners have logs. */
  get owners(): number {
    return this.#owners.size;
  }

  /** A log stands otherwise than before, or is new. `now` is on the monotonic clock. */
  update(log: Log, standing: Standing, now: number): void {
    const owner = this.#ownerOf(log);
    let account = this.#accounts.get(log);
    if (account === undefined) {
      account = { standing, order: undefined };
      this.#accounts.set(log, account);
      owner.enter();
    } else {
      this.#count(owner, account.standing, -1);
    }
    account.standing = standing;
    if (standing.over) account.order ??= this.#closed++;
    this.#count(owner, standing, 1);
    this.#rank(owner, log, account, now);
  }

  /** A log is gone. */
  remove(log: Log): void {
    const account = this.#accounts.get(log);
    if (account === undefined) return;
    const owner = this.#ownerOf(log);
    this.#count(owner, account.standing, -1);
    this.#accounts.delete(log);
    this.#resting.set(log, undefined);
    owner.leave(log);
    if (owner.isEmpty) {
      this.#owners.delete(owner.name);
      this.#ranks.remove(owner);
    } else {
      this.#ranks.update(owner);
    }
  }

  /** Those that have rested may write again. */
  wake(now: number): void {
    while (this.#resting.firstRank <= now) {
      const log = this.#resting.first;
      const account = log === undefined ? undefined : this.#accounts.get(log);
      if (log === undefined || account === undefined) return;
      this.#rank(this.#ownerOf(log), log, account, now);
    }
  }

  /** Whether there is room for a block that a log would write, unless it rests. */
  maySpill(log: Log): boolean {
    const keeps = this.#accounts.get(log)?.standing.keeps ?? false;
    const own = this.#owners.get(this.#sharing.ownerOf(log))?.holdings;
    if (!this.#canWrite || (own?.diskPart ?? 0) > 1) return false;
    return !(keeps && (this.#all.keptDiskIsFull || own?.keptDiskIsFull === true));
  }

  /** The next that has to be done; undefined: nothing has, or nothing can. */
  next(): Relief<Log> | undefined {
    return this.#nextOfIndex() ?? this.#nextOfDisk() ?? this.#nextOfMemory();
  }

  /** How much too full memory is for a log. */
  pressureFor(log: Log): Pressure {
    const own = this.#owners.get(this.#sharing.ownerOf(log))?.holdings;
    if (this.#all.isLagging || own?.isLagging === true) return 'lagging';
    const standing = this.#accounts.get(log)?.standing;
    const held = standing === undefined ? 0 : standing.memory - standing.writing;
    const isFull = (fullness: 0 | 1 | 2, { littleMemory }: Holdings): boolean =>
      fullness === 2 || (fullness === 1 && held > littleMemory);
    if (isFull(this.#all.fullness(this.#isOver), this.#all)) return 'full';
    return own !== undefined && isFull(own.fullness(), own) ? 'full' : 'none';
  }

  /** How pressed all are. */
  get pressure(): PressureLevel {
    return this.#all.isLagging ? 3 : this.#all.fullness(this.#isOver);
  }

  /** How pressed the logs of an owner are by what is its own. */
  pressureOf(owner: string): PressureLevel {
    const own = this.#owners.get(owner)?.holdings;
    if (own === undefined) return 0;
    return own.isLagging ? 3 : own.fullness();
  }

  get #canWrite(): boolean {
    // While the disk does not answer nothing more is given to it.
    return this.#budgets.hasFiles && this.#all.diskPart <= 1 && this.#all.stalled === 0;
  }

  /** More is in memory than may be, but for what is being written. */
  get #isOver(): boolean {
    const { memoryBytes } = this.#budgets;
    const copied = Math.min(this.copied, COPIED_PART * memoryBytes);
    return this.memory + this.index + copied - this.writing > memoryBytes;
  }

  /** The ledger of who owns a log, which knows what it may have now. */
  #ownerOf(log: Log): OwnerLedger<Log> {
    const name = this.#sharing.ownerOf(log);
    const share = this.#sharing.shareOf(name);
    let owner = this.#owners.get(name);
    if (owner === undefined) {
      owner = new OwnerLedger(name, share);
      this.#owners.set(name, owner);
    }
    owner.holdings.share = share;
    return owner;
  }

  #nextOfIndex(): Relief<Log> | undefined {
    const { first: owner, firstRank } = this.#ranks.index;
    if (owner === undefined || (this.#all.indexPart <= 1 && -firstRank <= 1)) return undefined;
    return relief(owner.forgettable.first, 'forget') ?? relief(owner.files.first, 'drop-file');
  }

  #nextOfDisk(): Relief<Log> | undefined {
    const { files, filesOfKeepers } = this.#ranks;
    if (this.#all.diskPart > 1 || -files.firstRank > 1) {
      const found = relief(files.first?.files.first, 'drop-file');
      if (found !== undefined) return found;
    }
    if (!this.#all.keptDiskIsFull && -filesOfKeepers.firstRank <= KEPT_PART) return undefined;
    return relief(filesOfKeepers.first?.filesOfKeepers.first, 'drop-file');
  }

  #nextOfMemory(): Relief<Log> | undefined {
    const { free, freeOfKeepers, needed, neededOfKeepers } = this.#ranks;
    return (
      this.#oldestBlock('free', this.#isOver ? 0 : 1, free, needed) ??
      this.#oldestBlock(
        'freeOfKeepers',
        this.#all.keptMemoryIsOver ? 0 : KEPT_PART,
        freeOfKeepers,
        neededOfKeepers,
      )
    );
  }

  /**
   * What becomes of a block of the owner that uses the largest part of what it may: one that it
   * may give up, or may write. None that uses no more than the part `upTo` gives anything.
   */
  #oldestBlock(
    which: 'free' | 'freeOfKeepers',
    upTo: number,
    withFree: Ranking<OwnerLedger<Log>>,
    withNeeded: Ranking<OwnerLedger<Log>>,
  ): Relief<Log> | undefined {
    const mayWrite = this.#canWrite && !this.#all.keptDiskIsFull;
    const writes = mayWrite && withNeeded.firstRank < withFree.firstRank;
    const { first: owner, firstRank } = writes ? withNeeded : withFree;
    if (owner === undefined || (upTo > 0 && -firstRank <= upTo)) return undefined;
    const free = owner[which];
    const ownMayWrite = mayWrite && withNeeded.has(owner);
    if (ownMayWrite && owner.needed.firstRank < free.firstRank) {
      return relief(owner.needed.first, 'spill');
    }
    const { first } = free;
    if (first === undefined) return undefined;
    const spills = this.maySpill(first) && !this.#resting.has(first);
    return { log: first, action: spills ? 'spill' : 'lose' };
  }

  #rank(owner: OwnerLedger<Log>, log: Log, account: Account, now: number): void {
    const { restsUntil } = account.standing;
    const rests = restsUntil > now;
    this.#resting.set(log, rests ? restsUntil : undefined);
    owner.rank(log, account, rests);
    this.#ranks.update(owner);
  }

  #count({ holdings }: OwnerLedger<Log>, standing: Standing, sign: 1 | -1): void {
    this.#all.count(standing, sign);
    holdings.count(standing, sign);
  }
}

function relief<Log>(log: Log | undefined, action: Relief<Log>['action']): Relief<Log> | undefined {
  return log === undefined ? undefined : { log, action };
}

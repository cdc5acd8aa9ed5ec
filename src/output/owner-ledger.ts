import { Holdings, type Share } from './holdings.ts';
import { Ranking } from './ranking.ts';
import type { Standing } from './store-ledger.ts';

/** Ranks of those that are over lie before all others. */
const OVER = -(2 ** 52);

/** What is known of a log. */
export interface Account {
  standing: Standing;
  /** Which of those that are over it is; undefined: it was not so far. */
  order: number | undefined;
}

/**
 * The logs of one owner, by what each of them would give: what closed processes left in the order
 * in which they were closed; then the oldest of whoever holds most.
 */
export class OwnerLedger<Log> {
  readonly name: string;
  readonly holdings: Holdings;
  /** By their oldest block in memory: those that may give it up, and those that may only write it. */
  readonly free = new Ranking<Log>();
  readonly needed = new Ranking<Log>();
  /** Those of the first that keep newer ones. */
  readonly freeOfKeepers = new Ranking<Log>();
  /** Those that may give up their oldest file, and those of them that keep newer ones. */
  readonly files = new Ranking<Log>();
  readonly filesOfKeepers = new Ranking<Log>();
  /** Those that know something that they could do without. */
  readonly forgettable = new Ranking<Log>();
  #logs = 0;

  constructor(name: string, share: Share) {
    this.name = name;
    this.holdings = new Holdings(share);
  }

  /** Whether it has no logs. */
  get isEmpty(): boolean {
    return this.#logs === 0;
  }

  /** One log more. */
  enter(): void {
    this.#logs += 1;
  }

  /** A log is gone. */
  leave(log: Log): void {
    this.#logs -= 1;
    const { files, filesOfKeepers, forgettable, free, freeOfKeepers, needed } = this;
    for (const ranking of [free, needed, freeOfKeepers, files, filesOfKeepers, forgettable]) {
      ranking.set(log, undefined);
    }
  }

  /** A log stands as it does; `rests`: it begins to write nothing now. */
  rank(log: Log, { order, standing }: Account, rests: boolean): void {
    const { disk, forgettable, keeps, memory, oldestBlock, oldestFile, over, writing } = standing;
    const byMemory = over && order !== undefined ? OVER + order : writing - memory;
    const byDisk = over && order !== undefined ? OVER + order : -disk;
    const free = oldestBlock === 'free' ? byMemory : undefined;
    const file = oldestFile === 'free' ? byDisk : undefined;
    this.free.set(log, free);
    this.freeOfKeepers.set(log, keeps ? free : undefined);
    this.needed.set(log, oldestBlock === 'needed' && !rests ? byMemory : undefined);
    this.files.set(log, file);
    this.filesOfKeepers.set(log, keeps ? file : undefined);
    this.forgettable.set(log, forgettable > 0 ? -forgettable : undefined);
  }
}

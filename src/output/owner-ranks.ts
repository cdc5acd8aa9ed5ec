import type { OwnerLedger } from './owner-ledger.ts';
import { Ranking } from './ranking.ts';

/**
 * Owners by what they would give, the first of each the one that uses the largest part of what it
 * may have: its part is the rank, negated. One that has nothing to give is not there.
 */
export class OwnerRanks<Log> {
  /** By memory: those with a block that may go, and those with one that may only be written. */
  readonly free = new Ranking<OwnerLedger<Log>>();
  readonly needed = new Ranking<OwnerLedger<Log>>();
  /** The same by the memory that must not be dropped. */
  readonly freeOfKeepers = new Ranking<OwnerLedger<Log>>();
  readonly neededOfKeepers = new Ranking<OwnerLedger<Log>>();
  /** By disk: those with a file that may go. */
  readonly files = new Ranking<OwnerLedger<Log>>();
  /** By the disk that must not be dropped. */
  readonly filesOfKeepers = new Ranking<OwnerLedger<Log>>();
  /** By what they know of what is not in memory. */
  readonly index = new Ranking<OwnerLedger<Log>>();

  /** An owner stands as it does. */
  update(owner: OwnerLedger<Log>): void {
    const { holdings } = owner;
    const mayWrite = holdings.diskPart <= 1 && !holdings.keptDiskIsFull;
    const known = owner.forgettable.first ?? owner.files.first;
    const rank = (has: boolean, part: number): number | undefined => (has ? -part : undefined);
    const hasNeeded = mayWrite && owner.needed.first !== undefined;
    const hasKept = owner.freeOfKeepers.first !== undefined;
    const hasFile = owner.files.first !== undefined;
    const hasKeptFile = owner.filesOfKeepers.first !== undefined;
    this.free.set(owner, rank(owner.free.first !== undefined, holdings.memoryPart));
    this.needed.set(owner, rank(hasNeeded, holdings.memoryPart));
    this.freeOfKeepers.set(owner, rank(hasKept, holdings.keptMemoryPart));
    this.neededOfKeepers.set(owner, rank(hasNeeded, holdings.keptMemoryPart));
    this.files.set(owner, rank(hasFile, holdings.diskPart));
    this.filesOfKeepers.set(owner, rank(hasKeptFile, holdings.keptDiskPart));
    this.index.set(owner, rank(known !== undefined, holdings.indexPart));
  }

  /** An owner is gone. */
  remove(owner: OwnerLedger<Log>): void {
    for (const ranking of [
      ...[this.free, this.needed, this.freeOfKeepers, this.neededOfKeepers],
      ...[this.files, this.filesOfKeepers, this.index],
    ]) {
      ranking.set(owner, undefined);
    }
  }
}

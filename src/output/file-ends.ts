import type { BlockFile } from './spool/block.ts';

/** What of a log is in a file. */
export interface FileEnd {
  /** The last of its events that were written there. */
  lastSeq: number;
  /** Blocks in it that are retained. */
  blocks: number;
}

/** The files of a log that still have blocks which are retained. */
export class FileEnds {
  /** In the order in which they were begun. */
  readonly #ends = new Map<BlockFile, FileEnd>();

  /** What is in the oldest; undefined: there is none that would go if nothing in it was needed. */
  get oldest(): FileEnd | undefined {
    for (const [file, end] of this.#ends) return file.busy ? undefined : end;
    return undefined;
  }

  /** A block that ends with this event was written to a file. */
  enter(file: BlockFile, lastSeq: number): void {
    const end = this.#ends.get(file);
    if (end === undefined) {
      this.#ends.set(file, { lastSeq, blocks: 1 });
    } else {
      end.lastSeq = Math.max(end.lastSeq, lastSeq);
      end.blocks += 1;
    }
  }

  /** A block in a file is not retained any more. */
  leave(file: BlockFile): void {
    const end = this.#ends.get(file);
    if (end === undefined) return;
    end.blocks -= 1;
    if (end.blocks === 0) this.#ends.delete(file);
  }
}

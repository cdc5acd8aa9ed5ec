import type { FileFailureDetail, Reason } from '../../errors.ts';
import { FILE_PIECE_BYTES, FILE_TURN_MS, LISTING_ENTRIES } from '../../limits.ts';
import { faultOf } from '../file-fault.ts';
import type { FileInfo } from '../file-info.ts';

/** What failed of an entry. */
export interface ListingFailure {
  readonly reason: Reason;
  readonly failure: FileFailureDetail;
}

/** Some of what was found in folders. */
export interface ListingPiece {
  readonly files: readonly FileInfo[];
  readonly failures: readonly ListingFailure[];
}

/** Bytes that a code unit of a text may have in a message: once for people, once as bytes. */
const BYTES_PER_UNIT = 4;

/** Bytes of an entry beside its texts, about. */
const ENTRY_BYTES = 128;

/** Gathers what is found to pieces of a bounded size. */
export class ListingPieces {
  #files: FileInfo[] = [];
  #failures: ListingFailure[] = [];
  #bytes = 0;
  #turnEnds = performance.now() + FILE_TURN_MS;

  addFile(file: FileInfo): void {
    this.#files.push(file);
    this.#bytes +=
      ENTRY_BYTES + BYTES_PER_UNIT * (file.path.length + (file.linkTarget ?? '').length);
  }

  /**
   * Adds what failed of something.
   *
   * @throws what is no error of the system
   */
  addFailure(error: unknown, operation: string, path: string): void {
    const { failure, reason } = faultOf(error, operation, path);
    this.#failures.push({ reason, failure });
    this.#bytes += ENTRY_BYTES + BYTES_PER_UNIT * path.length;
  }

  /** Lets others have a turn, with what there is, where a piece is full or the time is up. */
  *turn(): Generator<ListingPiece | undefined, void> {
    const count = this.#files.length + this.#failures.length;
    if (count >= LISTING_ENTRIES || this.#bytes >= FILE_PIECE_BYTES) {
      yield this.#take();
    } else if (performance.now() >= this.#turnEnds) {
      yield count === 0 ? undefined : this.#take();
    } else {
      return;
    }
    this.#turnEnds = performance.now() + FILE_TURN_MS;
  }

  /** The rest. */
  *rest(): Generator<ListingPiece, void> {
    if (this.#files.length + this.#failures.length > 0) yield this.#take();
  }

  #take(): ListingPiece {
    const piece = { files: this.#files, failures: this.#failures };
    this.#files = [];
    this.#failures = [];
    this.#bytes = 0;
    return piece;
  }
}

import type { BlockFile } from './block.ts';
import {
  decodeRecordHeader,
  type EncodedRecord,
  isIntact,
  RECORD_HEADER_BYTES,
} from './segment-format.ts';
import { SpoolError } from './spool-error.ts';
import { readFully, type SpoolFile, writeFully } from './spool-files.ts';

/**
 * A segment file that is open: written at its end by one append at a time, and
 * read anywhere. It keeps its descriptor as long as it exists, so reading does
 * not need the file's name.
 */
export class Segment implements BlockFile {
  readonly path: string;
  /** Blocks in it that are needed still; counted by its log. */
  needed = 0;
  /** A block is being written to it; set by its log. */
  busy = false;
  readonly #file: SpoolFile;
  /** The file's header, until the first block is written, which it goes along with. */
  #header: Uint8Array | undefined;
  #bytes = 0;
  #torn = false;
  #users = 0;
  #onIdle = (): void => {};

  constructor(path: string, file: SpoolFile, header: Uint8Array) {
    this.path = path;
    this.#file = file;
    this.#header = header;
  }

  /** Bytes of the whole blocks in it, with the file's header. */
  get bytes(): number {
    return this.#bytes;
  }

  /** It ends with a part of a block that could not be taken away: nothing may follow. */
  get torn(): boolean {
    return this.#torn;
  }

  /** Writes a block after the last one, and tells where. */
  async append(record: EncodedRecord): Promise<number> {
    const header = this.#header;
    const pieces = header === undefined ? record.pieces : [header, ...record.pieces];
    const position = this.#bytes + (header?.byteLength ?? 0);
    try {
      await writeFully(this.#file, pieces, this.#bytes);
    } catch (error) {
      // Gives the disk back, too, which may well be full.
      await this.#file.truncate(this.#bytes).catch(() => {
        this.#torn = true;
      });
      throw error;
    }
    this.#header = undefined;
    this.#bytes = position + record.bytes;
    return position;
  }

  /**
   * The payload of the block of `bytes` bytes at `position`.
   *
   * @throws SpoolError if it is not what was written
   */
  async read(position: number, bytes: number): Promise<Buffer> {
    // Not out of the pool of small buffers, which the payload would keep alive.
    const record = Buffer.allocUnsafeSlow(bytes);
    const read = await readFully(this.#file, record, position);
    const payload = record.subarray(RECORD_HEADER_BYTES);
    const header = decodeRecordHeader(record.subarray(0, RECORD_HEADER_BYTES));
    if (read < bytes || header === undefined || !isIntact(header, payload)) {
      throw new SpoolError('read', 'EBADMSG');
    }
    return payload;
  }

  /** Keeps the descriptor open until {@link leave}. */
  enter(): void {
    this.#users += 1;
  }

  /** Takes back one {@link enter}. */
  leave(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#onIdle();
  }

  /** Nobody is in it. */
  get isIdle(): boolean {
    return this.#users === 0;
  }

  /** Resolves when nobody is in it. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** Closes the descriptor. */
  close(): Promise<void> {
    return this.#file.close();
  }
}

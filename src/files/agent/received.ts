import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { FILE_PIECE_BYTES } from '../../limits/files.ts';
import { FileFault } from '../file-fault.ts';
import { Turn } from './turns.ts';
import type { WriteFileArgs } from './write-file.ts';

/** What all that is received has to be. */
export type Expected = Pick<WriteFileArgs, 'path' | 'sha256' | 'size'>;

/** What was received of a file so far, and is written. */
export class Received {
  readonly #args: Expected;
  readonly #hash = createHash('sha256');
  bytes = 0n;

  constructor(args: Expected) {
    this.#args = args;
  }

  /** Writes what comes next. What was written of it counts, also where the rest fails. */
  *write(descriptor: number, bytes: Uint8Array): Generator<undefined, void> {
    const { size } = this.#args;
    const whole = this.bytes + BigInt(bytes.byteLength);
    if (size !== undefined && whole > size) throw this.#mismatch();
    const turn = new Turn();
    for (let at = 0; at < bytes.byteLength; ) {
      const wanted = Math.min(FILE_PIECE_BYTES, bytes.byteLength - at);
      const written = writeSync(descriptor, bytes, at, wanted);
      this.#hash.update(bytes.subarray(at, at + written));
      this.bytes += BigInt(written);
      at += written;
      yield* turn.rest();
    }
  }

  /**
   * These were all.
   *
   * @returns their SHA-256
   * @throws FileFault `CHECKSUM_MISMATCH`
   */
  check(): Uint8Array {
    const { sha256, size } = this.#args;
    // A copy, since it may be asked for once more.
    const found = new Uint8Array(this.#hash.copy().digest());
    const isSize = size === undefined || size === this.bytes;
    const isHash = sha256 === undefined || Buffer.compare(sha256, found) === 0;
    if (!isSize || !isHash) throw this.#mismatch();
    return found;
  }

  #mismatch(): FileFault {
    return new FileFault('CHECKSUM_MISMATCH', {
      operation: 'write_file',
      path: this.#args.path,
    });
  }
}

import { Writable } from 'node:stream';
import { RemoteError } from './errors.ts';

/**
 * Bytes of one write at most: with the ids a message has less than 512 KiB, since nginx, as it is
 * configured by default, refuses a request of more than 1 MiB.
 */
const MAX_WRITE_BYTES = 511 * 1024;

/** One write to a process's stdin, which may be repeated. */
export interface StdinCall {
  /** The position of `data` in all that is written. */
  readonly offset: bigint;
  readonly data: Uint8Array;
  readonly eof: boolean;
}

/** How a process's stdin is written to. */
export interface StdinTarget {
  /** Resolves when the bytes are in the pipe of the process. */
  write(call: StdinCall, signal: AbortSignal): Promise<void>;
  /** How many bytes were accepted before this client came. */
  acceptedOffset(signal: AbortSignal): Promise<bigint>;
}

/**
 * A process's standard input. A write is done when its bytes are in the pipe, so
 * it is as slow as the process. `end` is the end of file; `destroy` is not: input that was
 * broken off must not pass for whole.
 */
export class StdinWritable extends Writable {
  readonly #target: StdinTarget;
  readonly #over = new AbortController();
  /** Undefined: to be asked for. */
  #offset: bigint | undefined;

  /** @internal */
  constructor(target: StdinTarget, offset: bigint | undefined) {
    super({ highWaterMark: MAX_WRITE_BYTES });
    this.#target = target;
    this.#offset = offset;
    // A program that ignores its stdin is not to end for that: whoever writes is told.
    this.on('error', () => {});
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    this.#writeAll(chunk).then(() => callback(), callback);
  }

  override _writev(
    chunks: readonly { readonly chunk: Buffer }[],
    callback: (error?: Error | null) => void,
  ): void {
    const all = Buffer.concat(chunks.map(({ chunk }) => chunk));
    this.#writeAll(all).then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#writeOnce(Buffer.alloc(0), true).then(
      () => callback(),
      (error: Error) => {
        // It closed its end, or exited: nothing is lost.
        const closed = error instanceof RemoteError && error.reason === 'STDIN_CLOSED';
        callback(closed ? null : error);
      },
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // What a write under way is told.
    this.#over.abort(error ?? undefined);
    callback(error);
  }

  async #writeAll(data: Buffer): Promise<void> {
    for (let begin = 0; begin < data.byteLength; begin += MAX_WRITE_BYTES) {
      await this.#writeOnce(data.subarray(begin, begin + MAX_WRITE_BYTES), false);
    }
  }

  async #writeOnce(data: Buffer, eof: boolean): Promise<void> {
    const { signal } = this.#over;
    this.#offset ??= await this.#target.acceptedOffset(signal);
    await this.#target.write({ offset: this.#offset, data, eof }, signal);
    this.#offset += BigInt(data.byteLength);
  }
}

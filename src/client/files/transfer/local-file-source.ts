import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { UploadSource } from '../upload-source.ts';
import { type ByteText, changed } from './local-path.ts';

/** Bytes that are read at a time. */
const PIECE_BYTES = 256 * 1024;

/** A file of this machine, which is read again from anywhere: nothing of it is kept. */
export class LocalFileSource implements UploadSource {
  readonly start = 0;
  failure: { readonly error: unknown } | undefined;
  readonly size: number;
  readonly #path: ByteText;
  readonly #handle: FileHandle;
  readonly #stats: BigIntStats;

  constructor(path: ByteText, handle: FileHandle, stats: BigIntStats) {
    this.#path = path;
    this.#handle = handle;
    this.#stats = stats;
    this.size = Number(stats.size);
  }

  async *from(position: number): AsyncGenerator<Uint8Array> {
    try {
      // A piece was sent, or copied, when the next is asked for.
      yield* readAhead(this.#handle, position, this.size, () => changed(this.#path));
      const { ctimeNs, mtimeNs, size } = await this.#handle.stat({ bigint: true });
      const { ctimeNs: ctimeBefore, mtimeNs: mtimeBefore, size: sizeBefore } = this.#stats;
      if (size !== sizeBefore || mtimeNs !== mtimeBefore || ctimeNs !== ctimeBefore) {
        throw changed(this.#path);
      }
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }

  release(): void {}

  wantsRelease(): Promise<void> {
    return new Promise(() => {});
  }

  close(): void {}
}

/**
 * The bytes of a file from one position to another. While a piece is in use the next is read; each
 * is overwritten when the one after the next is read.
 */
export async function* readAhead(
  handle: FileHandle,
  begin: number,
  end: number,
  tooShort: () => Error,
): AsyncGenerator<Buffer> {
  const length = Math.min(PIECE_BYTES, end - begin);
  const buffers = [Buffer.allocUnsafe(length), Buffer.allocUnsafe(length)] as const;
  let turn = 0;
  const readAt = async (position: number): Promise<Buffer> => {
    turn = 1 - turn;
    const buffer = turn === 0 ? buffers[0] : buffers[1];
    const wanted = Math.min(length, end - position);
    const { bytesRead } = await handle.read(buffer, 0, wanted, position);
    return buffer.subarray(0, bytesRead);
  };
  let next = begin < end ? readAt(begin) : undefined;
  try {
    for (let position = begin; next !== undefined; ) {
      const piece: Buffer = await next;
      if (piece.length === 0) throw tooShort();
      position += piece.length;
      next = position < end ? readAt(position) : undefined;
      // It is looked at when this one was taken.
      next?.catch(() => {});
      yield piece;
    }
  } finally {
    // The file may be closed then.
    await next?.catch(() => {});
  }
}

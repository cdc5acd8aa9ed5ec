import { readSync } from 'node:fs';
import { FILE_PIECE_BYTES } from '../../limits.ts';

/**
 * Bytes of an archive as the messages that they go out in, encoded where they are: `data` of
 * `ReadTreeResponse` and its length are written into the room before them, so that nothing is copied.
 */
export class TreePieces {
  #memory = newMemory();
  #filled = 0;

  /** Bytes that the piece has place for. */
  get room(): number {
    return FILE_PIECE_BYTES - this.#filled;
  }

  /** Bytes that are in it. */
  get filled(): number {
    return this.#filled;
  }

  /**
   * Adds as much as there is room for.
   *
   * @returns how much that was
   */
  add(bytes: Buffer, from: number): number {
    const added = bytes.copy(this.#memory, ROOM + this.#filled, from, from + this.room);
    this.#filled += added;
    return added;
  }

  /** Adds zeros, for which there must be room. */
  addZeros(count: number): void {
    const at = ROOM + this.#filled;
    this.#memory.fill(0, at, at + count);
    this.#filled += count;
  }

  /**
   * Adds what comes next of an open file, at most so much, as far as there is room.
   *
   * @returns how much that was; 0: it is at its end
   */
  read(descriptor: number, bytes: number): number {
    const wanted = Math.min(bytes, this.room);
    const read = readSync(descriptor, this.#memory, ROOM + this.#filled, wanted, null);
    this.#filled += read;
    return read;
  }

  /** The message. Another has to {@link begin} then. */
  take(): Uint8Array {
    const length = this.#filled;
    const head = [RESPONSE_DATA];
    for (let rest = length; ; rest >>= 7) {
      head.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
      if (rest <= 0x7f) break;
    }
    const start = ROOM - head.length;
    this.#memory.set(head, start);
    return this.#memory.subarray(start, ROOM + length);
  }

  /**
   * Begins the next message.
   *
   * @param spare the memory of one before, that is done with
   */
  begin(spare: Uint8Array | undefined): void {
    const memory = spare?.buffer;
    this.#memory =
      memory instanceof ArrayBuffer && memory.byteLength === MEMORY_BYTES
        ? Buffer.from(memory)
        : newMemory();
    this.#filled = 0;
  }
}

/** Bytes before those of the archive: a tag, and a length of three bytes. */
const ROOM = 4;

/** `data` of `ReadTreeResponse`, with its wire type. */
const RESPONSE_DATA = 0x0a;

const MEMORY_BYTES = ROOM + FILE_PIECE_BYTES;

/** Memory of its own, that can be handed over. */
function newMemory(): Buffer {
  return Buffer.from(new ArrayBuffer(MEMORY_BYTES));
}

import { FILE_PIECE_BYTES } from '../limits.ts';

/** Bytes from which on memory is handed to another thread and not copied: see ./workers/seat.ts. */
const OWN_BYTES = 64 * 1024;

/** Bytes of a message that are none of its data, at most. */
const MESSAGE_ROOM = 64;

/** Bytes that came and wait to be written, in order. Small ones are joined, large ones not copied. */
export class WriteQueue {
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #takenBytes = 0;

  /** Bytes that wait, or were taken and are not done with. */
  get bytes(): number {
    return this.#waitingBytes + this.#takenBytes;
  }

  /** Bytes that nobody uses any more but who takes them here. */
  push(data: Uint8Array): void {
    this.#waiting.push(data);
    this.#waitingBytes += data.byteLength;
  }

  /** Takes what is to be written next, in memory of its own; undefined: nothing waits. */
  take(): Uint8Array | undefined {
    const [first] = this.#waiting;
    if (first === undefined) return undefined;
    const next = first.byteLength >= OWN_BYTES ? this.#takeLarge(first) : this.#takeSmall();
    this.#waitingBytes -= next.byteLength;
    this.#takenBytes += next.byteLength;
    return next;
  }

  /** What was taken is written. */
  done(): void {
    this.#takenBytes = 0;
  }

  /** Forgets what waits. */
  clear(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #takeLarge(first: Uint8Array): Uint8Array {
    this.#waiting.shift();
    // Memory that is handed over goes as a whole: nothing else may be in it.
    return first.buffer.byteLength <= first.byteLength + MESSAGE_ROOM ? first : first.slice();
  }

  #takeSmall(): Uint8Array {
    let count = 0;
    let bytes = 0;
    for (const { byteLength } of this.#waiting) {
      if (byteLength >= OWN_BYTES || bytes + byteLength > FILE_PIECE_BYTES) break;
      bytes += byteLength;
      count += 1;
    }
    const joined = new Uint8Array(bytes);
    let at = 0;
    for (const part of this.#waiting.splice(0, count)) {
      joined.set(part, at);
      at += part.byteLength;
    }
    return joined;
  }
}

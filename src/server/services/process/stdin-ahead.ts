import type { StdinWrite } from '../../../process/stdin-pipe.ts';

/** Bytes of stdin that are taken though the process has not read them yet. */
export const STDIN_AHEAD_BYTES = 256 * 1024;

/** The same in writes, which are fewer than the messages: what joins another is none of its own. */
export const STDIN_AHEAD_WRITES = 64;

/** Bytes of small messages that become one write at most, and what room is made for at first. */
const JOINED_BYTES = 64 * 1024;
const FIRST_JOINED_BYTES = 4 * 1024;

/** Where stdin goes to, on behalf of one call. */
export interface StdinTarget {
  /** Writes; resolves with the bytes accepted in all. */
  write(write: StdinWrite, signal: AbortSignal): Promise<number>;
  /** Called with what a write failed of, unless the call is over. */
  onFailure(error: unknown): void;
}

/** Writes that came one after the other, and are one. */
class JoinedWrite implements StdinWrite {
  readonly offset: number | undefined;
  #data: Uint8Array;
  #length: number;
  #eof: boolean;

  constructor({ data, eof, offset }: StdinWrite) {
    this.offset = offset;
    this.#data = data;
    this.#length = data.byteLength;
    this.#eof = eof;
  }

  get data(): Uint8Array {
    return this.#data.subarray(0, this.#length);
  }

  get eof(): boolean {
    return this.#eof;
  }

  /** Adds a write that says the same as if it came after this one; false: it does not. */
  join({ data, eof, offset }: StdinWrite): boolean {
    const length = this.#length + data.byteLength;
    const next = this.offset === undefined ? undefined : this.offset + this.#length;
    if (this.#eof || offset !== next || length > JOINED_BYTES) return false;
    if (length > this.#data.byteLength) {
      const room = Math.min(Math.max(FIRST_JOINED_BYTES, 2 * length), JOINED_BYTES);
      const joined = new Uint8Array(room);
      joined.set(this.data);
      this.#data = joined;
    }
    this.#data.set(data, this.#length);
    this.#length = length;
    this.#eof = eof;
    return true;
  }
}

/**
 * Writes the messages of one call to a process's stdin, in their order. While one is being
 * written, those that come are joined, so that what a message costs does not depend on how
 * many wait; and only so much of them is taken that little memory is.
 */
export class StdinAhead {
  readonly #target: StdinTarget;
  readonly #signal: AbortSignal;
  #waiting: JoinedWrite[] = [];
  /** Bytes that wait, those that are being written included. */
  #bytes = 0;
  #writing = false;
  #accepted = 0;
  #wake = (): void => {};

  constructor(target: StdinTarget, signal: AbortSignal) {
    this.#target = target;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake());
  }

  /** Resolves when the next message may be taken, or the call is over. */
  async take(write: StdinWrite): Promise<void> {
    this.#bytes += write.data.byteLength;
    if (this.#waiting.at(-1)?.join(write) !== true) this.#waiting.push(new JoinedWrite(write));
    this.#next();
    await this.#until(
      () => this.#bytes <= STDIN_AHEAD_BYTES && this.#waiting.length < STDIN_AHEAD_WRITES,
    );
  }

  /** Resolves when all is written, or the call is over, with the bytes accepted in all. */
  async written(): Promise<number> {
    await this.#until(() => !this.#writing);
    return this.#accepted;
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #next(): void {
    if (this.#writing) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#writing = true;
    void this.#write(next);
  }

  /** Never rejects. */
  async #write(write: StdinWrite): Promise<void> {
    try {
      this.#accepted = await this.#target.write(write, this.#signal);
    } catch (error) {
      this.#target.onFailure(error);
    }
    this.#bytes -= write.data.byteLength;
    this.#writing = false;
    if (!this.#signal.aborted) this.#next();
    this.#wake();
  }
}

import type { ServerHttp2Stream } from 'node:http2';
import type { CallHold } from './call-memory.ts';

/** Bytes of a message that are not worth counting: a call takes as much without one. */
export const SMALL_MESSAGE_BYTES = 16 * 1024;

/** How many times as large what deflate made small can be at most, a little more. */
const MAX_INFLATION = 1_032;

/** Bytes before each message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;

/**
 * Counts the messages of a call as they arrive, with what they will be once they are
 * decompressed: nothing more of them is taken while there is no memory for one.
 */
export class RequestMeter {
  readonly #hold: CallHold;
  readonly #maxBytes: number;
  readonly #refuse: () => void;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixBytes = 0;
  #restBytes = 0;
  /** What was counted for each message that is not done with. */
  readonly #counted: number[] = [];

  /** `refuse` ends the call where there is no memory for long. */
  constructor(hold: CallHold, maxBytes: number, refuse: () => void) {
    this.#hold = hold;
    this.#maxBytes = maxBytes;
    this.#refuse = refuse;
  }

  /** Comes between a stream and whoever listens to it by the end of this step. */
  attach(stream: ServerHttp2Stream): void {
    const on = stream.on.bind(stream) as (event: string, listener: unknown) => ServerHttp2Stream;
    const pause = stream.pause.bind(stream);
    const resume = stream.resume.bind(stream);
    const held: Buffer[] = [];
    const atEnd: (() => void)[] = [];
    let wanted = true;
    let waiting = false;
    const pass = (read: (data: Buffer) => void): void => {
      for (let data = held.shift(); data !== undefined; data = held.shift()) {
        const bytes = this.#count(data);
        if (bytes === 0 || this.#hold.tryTake(bytes)) {
          read(data);
          continue;
        }
        waiting = true;
        pause();
        const next = data;
        void this.#hold.take(bytes, true).then((taken) => {
          waiting = false;
          // Of a call that is gone it is read all the same, for the connection to go on.
          if (!taken) this.#refuse();
          read(next);
          pass(read);
          if (waiting) return;
          for (const end of atEnd.splice(0)) end();
          if (wanted) resume();
        });
        return;
      }
    };
    const patched = {
      on(event: string, listener: (...data: Buffer[]) => void) {
        // It is told of though reading is paused, when nothing is left to be read.
        if (event === 'end') {
          return on(event, () => {
            if (waiting) atEnd.push(listener);
            else listener();
          });
        }
        if (event !== 'data') return on(event, listener);
        return on(event, (data: Buffer) => {
          held.push(data);
          if (!waiting) pass(listener);
        });
      },
      pause() {
        wanted = false;
        return pause();
      },
      resume() {
        wanted = true;
        return waiting ? stream : resume();
      },
    };
    Object.assign(stream, patched);
    // Whoever else listens, later, does so to the stream itself.
    queueMicrotask(() => Reflect.deleteProperty(stream, 'on'));
  }

  /** The first message that is not done with was decoded, and has so many bytes. */
  decoded(bytes: number): void {
    const counted = this.#counted[0] ?? 0;
    if (counted <= bytes) return;
    this.#counted[0] = bytes;
    this.#hold.give(counted - bytes);
  }

  /** That message is done with. */
  consumed(): void {
    this.#hold.give(this.#counted.shift() ?? 0);
  }

  /** Bytes that have to be there for the messages that begin in a piece. */
  #count(data: Buffer): number {
    let bytes = 0;
    for (let at = 0; at < data.byteLength; ) {
      if (this.#restBytes > 0) {
        const rest = Math.min(this.#restBytes, data.byteLength - at);
        this.#restBytes -= rest;
        at += rest;
        continue;
      }
      this.#prefix[this.#prefixBytes++] = data[at++] ?? 0;
      if (this.#prefixBytes < PREFIX_BYTES) continue;
      this.#prefixBytes = 0;
      this.#restBytes = this.#prefix.readUInt32BE(1);
      const message = this.#sizeOf(this.#restBytes, this.#prefix[0] === 1);
      this.#counted.push(message);
      bytes += message;
    }
    return bytes;
  }

  /** What a message counts. One that is too large is refused by whoever reads it. */
  #sizeOf(length: number, compressed: boolean): number {
    const bytes = Math.min(compressed ? length * MAX_INFLATION : length, this.#maxBytes);
    return bytes <= SMALL_MESSAGE_BYTES ? 0 : bytes;
  }
}

import { Readable } from 'node:stream';
import { OptionError } from '../client-error.ts';
import { type Deferred, deferred } from '../deferred.ts';

/** Bytes of a message of an upload: with the rest of it less than what proxies take as a rule. */
const PIECE_BYTES = 256 * 1024;

/** Bytes of a stream that were sent and may have to be sent again, at most, beside one piece. */
const WINDOW_BYTES = 8 * 1024 * 1024;

/** What is uploaded, which may be asked for again as long as the server has not accepted it. @internal */
export interface UploadSource {
  /** Bytes in all; undefined: that is not known. */
  readonly size: number | undefined;
  /** Where the first byte is that can be had. */
  readonly start: number;
  /** What it failed of, by itself; undefined: it did not. */
  readonly failure: { readonly error: unknown } | undefined;
  /** What there is from a position on, in pieces for messages. */
  from(position: number): AsyncIterable<Uint8Array>;
  /** What comes before a position is not asked for again. */
  release(position: number): void;
  /** Resolves when it wants to know what was accepted; never: it needs not. */
  wantsRelease(): Promise<void>;
  /** Nothing of it is asked for any more. */
  close(): void;
}

/** What can be uploaded. */
export type UploadContent =
  | string
  | Uint8Array
  | Readable
  | AsyncIterable<Uint8Array | string>
  | Iterable<Uint8Array | string>;

/**
 * The source that some content is.
 *
 * @throws OptionError it is none
 *
 * @internal
 */
export function uploadSource(content: UploadContent): UploadSource {
  if (typeof content === 'string') return new BytesSource(Buffer.from(content));
  if (content instanceof Uint8Array) return new BytesSource(content);
  if (isIterable(content)) return new StreamSource(content);
  throw new OptionError('content', 'content must be a string, bytes or a stream of bytes');
}

function isIterable(
  content: unknown,
): content is AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string> {
  return (
    typeof content === 'object' &&
    content !== null &&
    (Symbol.asyncIterator in content || Symbol.iterator in content)
  );
}

/** Bytes that are all there. */
class BytesSource implements UploadSource {
  readonly start = 0;
  readonly failure = undefined;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.byteLength;
  }

  async *from(position: number): AsyncGenerator<Uint8Array> {
    yield* piecesOf(this.#bytes.subarray(position));
  }

  release(): void {}

  wantsRelease(): Promise<void> {
    return new Promise(() => {});
  }

  close(): void {}
}

/** A stream, of which what was not accepted is kept: it is read no further ahead than that. */
class StreamSource implements UploadSource {
  readonly size = undefined;
  start = 0;
  failure: { readonly error: unknown } | undefined;
  readonly #stream: AsyncIterator<Uint8Array | string> | Iterator<Uint8Array | string>;
  readonly #given: object;
  /** What was read from `start` on. */
  readonly #kept: Uint8Array[] = [];
  #end = 0;
  #ended = false;
  #closed = false;
  #reading: Promise<void> | undefined;
  /** Settled when there is room again. */
  #room: Deferred<void> | undefined;
  /** Settled when there is little. */
  #full: Deferred<void> = deferred();

  constructor(given: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>) {
    this.#given = given;
    this.#stream =
      Symbol.asyncIterator in given ? given[Symbol.asyncIterator]() : given[Symbol.iterator]();
  }

  async *from(position: number): AsyncGenerator<Uint8Array> {
    for (let next = position; ; ) {
      const kept = this.#keptAt(next);
      if (kept !== undefined) {
        for (const piece of piecesOf(kept)) {
          next += piece.byteLength;
          yield piece;
        }
      } else if (this.failure !== undefined) throw this.failure.error;
      else if (this.#ended || this.#closed) return;
      else if (this.#end - this.start >= WINDOW_BYTES) {
        this.#room ??= deferred();
        await this.#room.promise;
      } else {
        this.#reading ??= this.#read();
        await this.#reading;
      }
    }
  }

  release(position: number): void {
    for (let [first] = this.#kept; first !== undefined; [first] = this.#kept) {
      if (this.start + first.byteLength > position) break;
      this.start += first.byteLength;
      this.#kept.shift();
    }
    if (this.#held < WINDOW_BYTES / 2) this.#full = deferred();
    this.#room?.resolve();
    this.#room = undefined;
  }

  wantsRelease(): Promise<void> {
    return this.#full.promise;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#kept.length = 0;
    this.#room?.resolve();
    if (this.#ended) return;
    if (this.#given instanceof Readable) {
      this.#given.on('error', () => {}).destroy();
      return;
    }
    // Of one that waits the end cannot be waited for.
    void Promise.resolve(this.#stream.return?.()).catch(() => {});
  }

  get #held(): number {
    return this.#end - this.start;
  }

  /** What was read from a position on, as far as it is in one piece. */
  #keptAt(position: number): Uint8Array | undefined {
    let begin = this.start;
    for (const bytes of this.#kept) {
      if (position < begin + bytes.byteLength) return bytes.subarray(position - begin);
      begin += bytes.byteLength;
    }
    return undefined;
  }

  /** Reads one piece. Never rejects. */
  async #read(): Promise<void> {
    try {
      const { done, value } = await this.#stream.next();
      if (this.#closed) return;
      if (done) {
        this.#ended = true;
        return;
      }
      const bytes = this.#bytesOf(value);
      if (bytes.byteLength === 0) return;
      this.#kept.push(bytes);
      this.#end += bytes.byteLength;
      if (this.#held >= WINDOW_BYTES / 2) this.#full.resolve();
    } catch (error) {
      this.failure = { error };
    } finally {
      this.#reading = undefined;
    }
  }

  #bytesOf(value: unknown): Uint8Array {
    if (typeof value === 'string') return Buffer.from(value);
    if (!(value instanceof Uint8Array)) {
      throw new OptionError('content', 'content must be a stream of bytes');
    }
    // A generator may use its memory again, which streams of Node.js do not.
    return this.#given instanceof Readable ? value : Buffer.from(value);
  }
}

/** Bytes in pieces for messages. @internal */
export function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let begin = 0; begin < bytes.byteLength; begin += PIECE_BYTES) {
    yield bytes.subarray(begin, begin + PIECE_BYTES);
  }
}

import { Readable } from 'node:stream';
import { type Deferred, deferred } from '../deferred.ts';
import type { FileInfo } from './file-info.ts';

/** Bytes that wait to be read before the server is asked for no more. */
const HIGH_WATER_MARK = 256 * 1024;

/** Begins to read, until the signal aborts. @internal */
export type OpenFile = (
  signal: AbortSignal,
  onFile: (file: FileInfo) => void,
) => AsyncGenerator<Buffer>;

/**
 * What is in a file, as a stream of bytes. It is opened when somebody reads. A break of the
 * connection is a pause; where the file was changed meanwhile it fails with `FILE_CHANGED`.
 */
export class FileReadable extends Readable {
  readonly #pieces: AsyncGenerator<Buffer>;
  readonly #over = new AbortController();
  readonly #file: Deferred<FileInfo> = deferred();
  readonly #forget: () => void;

  /** @internal */
  constructor(open: OpenFile, signal: AbortSignal | undefined) {
    super({ highWaterMark: HIGH_WATER_MARK });
    this.#pieces = open(this.#over.signal, this.#file.resolve);
    const abort = (): void => void this.destroy(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    this.#forget = () => signal?.removeEventListener('abort', abort);
    if (signal?.aborted) abort();
  }

  /** What the file was when it was opened: opens it. Rejects with what the stream fails of. */
  info(): Promise<FileInfo> {
    // Who asks is told.
    this.on('error', () => {});
    this.read(0);
    return this.#file.promise;
  }

  override _read(): void {
    this.#pieces.next().then(
      ({ done, value }) => this.push(done ? null : value),
      (error: Error) => this.destroy(error),
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#forget();
    const why = error ?? new Error('the stream of the file was destroyed');
    this.#file.reject(why);
    this.#over.abort(why);
    // A generator that waits ends by the signal.
    this.#pieces.return(undefined).catch(() => {});
    callback(error);
  }
}

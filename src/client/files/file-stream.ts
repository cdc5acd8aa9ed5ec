/**
 * An iterator over what a stream of the server gives. Leaving the loop ends the stream, also while
 * somebody waits for the next: he is told that it is over.
 *
 * @internal
 */
export class FileStream<T> implements AsyncIterableIterator<T> {
  readonly #given: AsyncIterator<T>;
  readonly #over = new AbortController();
  readonly #forget: () => void;

  /** `open` begins the stream, which ends when the signal aborts. */
  constructor(open: (signal: AbortSignal) => AsyncIterator<T>, signal: AbortSignal | undefined) {
    const abort = (): void => this.#over.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    this.#forget = () => signal?.removeEventListener('abort', abort);
    if (signal?.aborted) abort();
    this.#given = open(this.#over.signal);
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    try {
      const { done, value } = await this.#given.next();
      if (!done) return { done: false, value };
    } catch (error) {
      this.#forget();
      if (error !== LEFT) throw error;
    }
    this.#forget();
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#forget();
    this.#over.abort(LEFT);
    await this.#given.return?.().catch((error: unknown) => {
      if (error !== LEFT) throw error;
    });
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

/** Why a stream that was left is over. */
const LEFT = new Error('the stream was left');

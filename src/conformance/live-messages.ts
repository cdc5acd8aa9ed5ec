/** Messages that are given while a stream is under way, which ends when it is told to. */
export class LiveMessages<T> implements AsyncIterable<T> {
  readonly #given: T[] = [];
  #ended = false;
  #wake: () => void = () => {};

  give(message: T): void {
    this.#given.push(message);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const message = this.#given.shift();
      if (message !== undefined) yield message;
      else if (this.#ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

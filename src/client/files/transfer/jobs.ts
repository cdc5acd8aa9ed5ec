/** Runs some jobs at a time, of some size together. */
export class Jobs {
  readonly #maxJobs: number;
  readonly #maxSize: number;
  readonly #running = new Set<Promise<void>>();
  #size = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(maxJobs: number, maxSize = Number.POSITIVE_INFINITY) {
    this.#maxJobs = maxJobs;
    this.#maxSize = maxSize;
  }

  /**
   * Begins a job, once there is room for it.
   *
   * @throws what one before it failed of
   */
  async begin(job: () => Promise<unknown>, size = 0): Promise<void> {
    while (this.#running.size > 0 && this.#isFull(size)) await Promise.race(this.#running);
    this.#throw();
    this.#size += size;
    const running = job()
      .then(
        () => {},
        (error: unknown) => {
          this.#failure ??= { error };
        },
      )
      .finally(() => {
        this.#size -= size;
        this.#running.delete(running);
      });
    this.#running.add(running);
  }

  /**
   * Resolves when all have ended.
   *
   * @throws what the first that failed did so of
   */
  async end(): Promise<void> {
    await Promise.all(this.#running);
    this.#throw();
  }

  /** Resolves when all have ended, whatever became of them. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }

  #isFull(size: number): boolean {
    return this.#running.size >= this.#maxJobs || this.#size + size > this.#maxSize;
  }

  #throw(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** Those who wait for something to become true. */
export class Waiters {
  readonly #waiting = new Set<() => void>();

  /** Something has changed. */
  look(): void {
    for (const waiter of this.#waiting) waiter();
  }

  /** Resolves when the condition holds: now, or when something has changed. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const waiter = (): void => {
        if (!condition()) return;
        this.#waiting.delete(waiter);
        resolve();
      };
      this.#waiting.add(waiter);
      waiter();
    });
  }
}

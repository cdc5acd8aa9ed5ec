/** Lets those who change the same place do so one after the other. */
export class PlaceLocks {
  /** Resolves when the last of those who wait for a place is done with it. Never rejects. */
  readonly #last = new Map<string, Promise<void>>();

  /** Does something when all that came before at this place is done. */
  async hold<T>(place: string, action: () => Promise<T>): Promise<T> {
    const before = this.#last.get(place);
    let release = (): void => {};
    const mine = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#last.set(place, mine);
    try {
      await before;
      return await action();
    } finally {
      if (this.#last.get(place) === mine) this.#last.delete(place);
      release();
    }
  }
}

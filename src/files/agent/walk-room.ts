/** How much memory something may have, a part of what something larger may. */
export class Room {
  readonly #bytes: number;
  readonly #within: Room | undefined;
  #taken = 0;

  constructor(bytes: number, within?: Room) {
    this.#bytes = bytes;
    this.#within = within;
  }

  /** Takes some, unless that is more than there is. @returns whether it did */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.#bytes) return false;
    if (this.#within?.take(bytes) === false) return false;
    this.#taken += bytes;
    return true;
  }

  /** Gives some back. */
  give(bytes: number): void {
    this.#taken -= bytes;
    this.#within?.give(bytes);
  }

  /** Gives all back. */
  close(): void {
    this.give(this.#taken);
  }
}

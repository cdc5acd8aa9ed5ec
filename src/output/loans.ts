/**
 * Memory that cannot be used otherwise while readers have not passed on what they read from it:
 * those that stop in the midst of it keep it. There is a bound for all of them together.
 */
export class Loans {
  readonly #maxBytes: number;
  #bytes = 0;
  #copied = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that are lent. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of copies that readers have instead. */
  get copied(): number {
    return this.#copied;
  }

  /** Lends some; false: that would be too many, and they should be copied, a few at a time. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#maxBytes) return false;
    this.#bytes += bytes;
    return true;
  }

  /** Takes note of copies that were made instead. */
  copy(bytes: number): void {
    this.#copied += bytes;
  }

  /** Takes back what was lent, and forgets copies. */
  giveBack(lent: number, copied: number): void {
    this.#bytes -= lent;
    this.#copied -= copied;
  }
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** How much room a line that comes in pieces gets at first, in bytes. */
const INITIAL_BYTES = 64 * 1024;

/** A line is longer than it may be. */
export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError';
}

/**
 * Cuts a stream of bytes into lines, which end with a line feed or with a carriage return
 * and a line feed. Holds one line at most, however small the pieces are that it comes in,
 * and in no more than twice its room.
 */
export class LineSplitter {
  readonly #maxLineBytes: number;
  /** The beginning of a line whose end is yet to come; only `#held` bytes of it count. */
  #buffer: Buffer | undefined;
  #held = 0;

  /** `maxLineBytes`: what a line may have, its end not included. */
  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /**
   * The lines that `chunk` completes, without their ends, as text. What is no UTF-8 becomes
   * U+FFFD. All of them have to be taken before the next call.
   *
   * @throws LineTooLongError after the lines before the one that is too long
   */
  *push(chunk: Buffer): Generator<string> {
    let begin = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, begin);
      const piece = chunk.subarray(begin, end < 0 ? chunk.byteLength : end);
      if (this.#held + piece.byteLength > this.#maxLineBytes) {
        this.#drop();
        throw new LineTooLongError(`a line has more than ${this.#maxLineBytes} bytes`);
      }
      if (end < 0) {
        this.#hold(piece);
        return;
      }
      yield this.#take(piece);
      begin = end + 1;
    }
  }

  /** The line that ends with this piece. */
  #take(piece: Buffer): string {
    let line = piece;
    if (this.#buffer !== undefined) {
      this.#hold(piece);
      line = this.#buffer.subarray(0, this.#held);
    }
    const length = line.byteLength;
    const text = line.toString(
      'utf8',
      0,
      line[length - 1] === CARRIAGE_RETURN ? length - 1 : length,
    );
    this.#drop();
    return text;
  }

  #hold(piece: Buffer): void {
    if (piece.byteLength === 0) return;
    const needed = this.#held + piece.byteLength;
    if (this.#buffer === undefined || this.#buffer.byteLength < needed) {
      const larger = Buffer.allocUnsafeSlow(this.#roomFor(needed));
      this.#buffer?.copy(larger, 0, 0, this.#held);
      this.#buffer = larger;
    }
    piece.copy(this.#buffer, this.#held);
    this.#held = needed;
  }

  /** Twice what is needed, so that a line is copied a bounded number of times. */
  #roomFor(needed: number): number {
    return Math.min(Math.max(INITIAL_BYTES, 2 * needed), Math.max(needed, this.#maxLineBytes));
  }

  #drop(): void {
    this.#buffer = undefined;
    this.#held = 0;
  }
}

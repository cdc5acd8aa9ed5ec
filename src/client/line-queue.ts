import { StringDecoder } from 'node:string_decoder';
import { deferred } from './deferred.ts';
import { RunOutputError } from './run-output-error.ts';

/**
 * The lines of a stream, for one who takes them in turn: what gives the stream waits until
 * those that it gave were taken.
 */
export class LineQueue {
  readonly #decoder = new StringDecoder('utf8');
  readonly #maxBytes: number;
  #rest = '';
  #lines: string[] = [];
  #ended = false;
  #left = false;
  #news = deferred<void>();
  #taken = deferred<void>();

  /** `maxBytes`: what one line may have, about. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Takes a piece of the stream; resolves when more is wanted.
   *
   * @throws RunOutputError a line is too long
   */
  async push(chunk: Buffer): Promise<void> {
    if (this.#left) return;
    // What is there of a line is not looked at again, however long it gets.
    const [first = '', ...more] = this.#decoder.write(chunk).split('\n');
    const lines = [this.#rest + first, ...more];
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > this.#maxBytes) throw new RunOutputError(this.#maxBytes);
    if (lines.length === 0) return;
    this.#lines = lines.map(withoutReturn);
    this.#taken = deferred();
    this.#news.resolve();
    await this.#taken.promise;
  }

  /** The stream broke off: what is there of its last line is none. */
  fail(): void {
    this.#ended = true;
    this.#news.resolve();
  }

  /** The stream is over. */
  end(): void {
    const rest = this.#rest + this.#decoder.end();
    if (rest !== '') this.#lines.push(withoutReturn(rest));
    this.#ended = true;
    this.#news.resolve();
  }

  /** Nobody takes any more. */
  leave(): void {
    this.#left = true;
    this.#taken.resolve();
  }

  async *take(): AsyncGenerator<string, void, undefined> {
    for (;;) {
      const lines = this.#lines;
      this.#lines = [];
      yield* lines;
      if (this.#lines.length > 0) continue;
      if (this.#ended) return;
      this.#news = deferred();
      this.#taken.resolve();
      await this.#news.promise;
    }
  }
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

import { StringDecoder } from 'node:string_decoder';
import type { OutputEncoding } from './run-options.ts';

/** Bytes of the end of a stream that an error shows. */
const TAIL_BYTES = 4096;

/** What becomes of a stream. */
export interface OutputSinkOptions {
  readonly encoding: OutputEncoding;
  /** Whether all of it stays. */
  readonly keep: boolean;
  /** Takes it as it comes. */
  readonly onBytes?: ((chunk: Buffer) => Promise<void>) | undefined;
  /** The same, as it was asked for. */
  readonly onChunk: ((chunk: Buffer | string) => unknown) | undefined;
}

/** Takes one stream of a command: keeps it, keeps its end, and hands it on as it comes. */
export class OutputSink {
  readonly #options: OutputSinkOptions;
  readonly #encoding: BufferEncoding | undefined;
  readonly #decoder: StringDecoder | undefined;
  readonly #chunks: Buffer[] = [];
  #tail: Buffer = Buffer.alloc(0);

  constructor(options: OutputSinkOptions) {
    this.#options = options;
    this.#encoding = options.encoding === 'buffer' ? undefined : options.encoding;
    this.#decoder = this.#encoding && new StringDecoder(this.#encoding);
  }

  /** Whether what it takes stays. */
  get keeps(): boolean {
    return this.#options.keep;
  }

  async take(chunk: Buffer): Promise<void> {
    if (this.keeps) this.#chunks.push(chunk);
    const tail = Buffer.concat([this.#tail, chunk.subarray(-TAIL_BYTES)]);
    this.#tail = tail.subarray(-TAIL_BYTES);
    await this.#options.onBytes?.(chunk);
    await this.#hand(this.#decoder === undefined ? chunk : this.#decoder.write(chunk));
  }

  async end(): Promise<void> {
    // Half of a character.
    if (this.#decoder !== undefined) await this.#hand(this.#decoder.end());
  }

  /** All of it, if it was kept. */
  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** The same, as it was asked for. */
  get output(): Buffer | string {
    return this.#encoding === undefined ? this.bytes : this.bytes.toString(this.#encoding);
  }

  /** The end of it as text, from the beginning of a character. */
  get tail(): string {
    let begin = 0;
    while (begin < 3 && isContinuation(this.#tail[begin])) begin += 1;
    return this.#tail.subarray(begin).toString();
  }

  async #hand(chunk: Buffer | string): Promise<void> {
    if (chunk.length > 0) await this.#options.onChunk?.(chunk);
  }
}

/** Whether a byte goes on with a character of UTF-8. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

import { write } from 'node:fs';
import { MAX_QUEUED_LOG_BYTES } from '../limits.ts';

/** How long to wait when a descriptor that does not block takes no more. */
const RETRY_MS = 50;

/**
 * Writes lines to standard error without ever holding up or ending the server: from
 * the thread pool, what cannot be written is dropped, and so is what comes while too
 * much waits for a reader that stalls. What was dropped is counted in a line of its own.
 */
export class LogSink {
  readonly #fd: number;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #writing = false;
  #dropped = 0;
  #onIdle: (() => void)[] = [];

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Takes a line, with its line feed. */
  write(line: string): void {
    if (this.#queuedBytes >= MAX_QUEUED_LOG_BYTES) {
      this.#dropped += 1;
      return;
    }
    this.#add(line);
    if (!this.#writing) this.#next();
  }

  /** Resolves when all is written or dropped, or after `timeoutMs`. */
  flush(timeoutMs: number): Promise<void> {
    if (!this.#writing) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onIdle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #add(line: string): void {
    const bytes = Buffer.from(line);
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.byteLength;
  }

  #next(): void {
    if (this.#dropped > 0 && this.#queuedBytes < MAX_QUEUED_LOG_BYTES) {
      this.#add(
        `${JSON.stringify({ level: 40, dropped: this.#dropped, msg: 'log lines dropped' })}\n`,
      );
      this.#dropped = 0;
    }
    this.#writing = this.#queue.length > 0;
    if (!this.#writing) {
      for (const done of this.#onIdle.splice(0)) done();
      return;
    }
    const bytes = Buffer.concat(this.#queue);
    this.#queue = [];
    this.#writeOut(bytes);
  }

  #writeOut(bytes: Buffer): void {
    write(this.#fd, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(() => this.#writeOut(bytes), RETRY_MS);
      } else if (error === null && written < bytes.byteLength) {
        this.#queuedBytes -= written;
        this.#writeOut(bytes.subarray(written));
      } else {
        this.#queuedBytes -= bytes.byteLength;
        this.#next();
      }
    });
  }
}

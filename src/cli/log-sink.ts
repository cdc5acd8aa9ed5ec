import { write, writeSync } from 'node:fs';
import { MAX_QUEUED_LOG_BYTES } from '../limits.ts';
import { openAnew } from '../open-anew.ts';

/** How long to wait when a descriptor that does not block takes no more. */
const RETRY_MS = 50;

/**
 * Writes lines to standard error without ever holding up or ending the server: what cannot be
 * written is dropped, and so is what comes while too much waits for a reader that stalls. What
 * was dropped is counted in a line of its own.
 *
 * A pipe or a terminal is opened once more, not to block, since how a descriptor is belongs to
 * all who share it. What cannot be opened so is written to from the thread pool, of which it
 * holds one thread at most.
 */
export class LogSink {
  readonly #fd: number;
  /** Undefined: a write may block. */
  readonly #anew: number | undefined;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #writing = false;
  #dropped = 0;
  #onIdle: (() => void)[] = [];

  constructor(fd: number) {
    this.#fd = fd;
    this.#anew = openAnew(fd);
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
    if (this.#anew === undefined) {
      write(this.#fd, bytes, (error, written) => this.#wrote(bytes, error, written));
      return;
    }
    let error: NodeJS.ErrnoException | null = null;
    let written = 0;
    try {
      written = writeSync(this.#anew, bytes);
    } catch (thrown) {
      error = thrown as NodeJS.ErrnoException;
    }
    this.#wrote(bytes, error, written);
  }

  #wrote(bytes: Buffer, error: NodeJS.ErrnoException | null, written: number): void {
    if (error?.code === 'EAGAIN') {
      setTimeout(() => this.#writeOut(bytes), RETRY_MS);
    } else if (error === null && written < bytes.byteLength) {
      this.#queuedBytes -= written;
      this.#writeOut(bytes.subarray(written));
    } else {
      this.#queuedBytes -= bytes.byteLength;
      this.#next();
    }
  }
}

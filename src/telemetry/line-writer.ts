import { close, write, writeSync } from 'node:fs';
import type { Clock, Timer } from '../clock.ts';
import { AUDIT_RETRY_MS, MAX_AUDIT_WRITE_BYTES, MAX_QUEUED_AUDIT_BYTES } from '../limits.ts';
import type { Meter } from './meter.ts';

/** How long to wait when a descriptor that does not block takes no more. */
const FULL_PIPE_MS = 20;

/** What lines are written to. */
export interface LineTarget {
  readonly fd: number;
  /** Whether a write cannot block: it is made at once then, else by the thread pool. */
  readonly nonBlocking: boolean;
  /** Whether what is there ends within a line. */
  readonly torn: boolean;
  /** Whether the descriptor is closed in the end. */
  readonly ours: boolean;
}

/** What a {@link LineWriter} is made with. */
export interface LineWriterOptions {
  readonly clock: Clock;
  /** The line that tells how many are missing where it is. */
  readonly missingLine: (count: number) => string;
  /** Called when `writable` has changed, with why. */
  readonly onChange: (writable: boolean, why: unknown) => void;
  /** Counts what goes wrong. */
  readonly meter: Pick<Meter, 'auditFailed' | 'auditLineLost'>;
}

/**
 * Writes lines in their order, in as few calls as they come, each call of one or more whole
 * lines. What cannot be written waits, and is tried again about once a second. What comes while
 * too much waits is left out, and a line tells how many are missing once there is room.
 */
export class LineWriter {
  readonly #options: LineWriterOptions;
  #target: LineTarget | undefined;
  /** What is to be written to instead, once a write that is under way is over. */
  #next: LineTarget | undefined;
  #queue: Buffer[] = [];
  /** What is being written, and how many bytes of it are. */
  #batch: Buffer[] = [];
  #offset = 0;
  #queuedBytes = 0;
  #missing = 0;
  #busy = false;
  /** Undefined: the last write did not fail. */
  #failure: unknown;
  #retry: Timer | undefined;
  #toldWritable = true;
  #onRest: (() => void)[] = [];

  constructor(options: LineWriterOptions) {
    this.#options = options;
  }

  /** False: a line could not be written, or more wait than a disk that is well leaves waiting. */
  get writable(): boolean {
    return this.#failure === undefined && this.#queuedBytes < MAX_QUEUED_AUDIT_BYTES / 2;
  }

  /** Takes a line, with its line feed. */
  add(line: string): void {
    if (this.#queuedBytes < MAX_QUEUED_AUDIT_BYTES) {
      this.#push(line);
    } else {
      this.#missing += 1;
      this.#options.meter.auditLineLost();
    }
    this.#tell();
    this.#go();
  }

  /** Writes to this from now on: also what waits. The last one is closed. */
  writeTo(target: LineTarget): void {
    if (this.#next !== undefined) closeTarget(this.#next);
    this.#next = target;
    this.#retryNow();
    this.#go();
  }

  /**
   * Tries once more to write what waits, and resolves when that is done, or failed, or
   * `timeoutMs` are over: with the number of lines that were not written.
   */
  async close(timeoutMs: number): Promise<number> {
    this.#retryNow();
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.setTimer(timeoutMs, resolve);
      this.#onRest.push(() => {
        timer.cancel();
        resolve();
      });
      this.#go();
    });
    this.#retryNow();
    return this.#batch.length + this.#queue.length + this.#missing;
  }

  #push(line: string): void {
    const bytes = Buffer.from(line);
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.byteLength;
  }

  /** Goes on to write, unless that is under way, or has to wait. */
  #go(): void {
    if (this.#busy || this.#retry !== undefined) return;
    this.#turn();
    const target = this.#target;
    if (target === undefined || this.#batch.length + this.#queue.length === 0) {
      this.#rest();
      return;
    }
    if (this.#batch.length === 0) this.#take();
    this.#busy = true;
    this.#write(target);
  }

  /** Turns to the next target, if there is one. */
  #turn(): void {
    if (this.#next === undefined) return;
    if (this.#target !== undefined) closeTarget(this.#target);
    this.#target = this.#next;
    this.#next = undefined;
    // A line of which a part is in the last one comes here as a whole.
    for (let first = this.#batch[0]; first !== undefined; first = this.#batch[0]) {
      if (this.#offset < first.byteLength) break;
      this.#offset -= first.byteLength;
      this.#written(this.#batch.splice(0, 1));
    }
    this.#offset = 0;
    if (!this.#target.torn) return;
    const [first] = this.#batch;
    const begin = Buffer.concat([Buffer.from('\n'), first ?? Buffer.alloc(0)]);
    this.#batch.splice(0, 1, begin);
    this.#queuedBytes += begin.byteLength - (first?.byteLength ?? 0);
  }

  #take(): void {
    let bytes = 0;
    let count = 0;
    for (const line of this.#queue) {
      bytes += line.byteLength;
      if (count > 0 && bytes > MAX_AUDIT_WRITE_BYTES) break;
      count += 1;
    }
    this.#batch = this.#queue.splice(0, count);
    this.#offset = 0;
  }

  #write({ fd, nonBlocking }: LineTarget): void {
    const all = this.#batch.length === 1 ? this.#batch[0] : Buffer.concat(this.#batch);
    const bytes = (all ?? Buffer.alloc(0)).subarray(this.#offset);
    if (!nonBlocking) {
      write(fd, bytes, (error, count) => this.#wrote(error, count, bytes.byteLength));
      return;
    }
    let error: NodeJS.ErrnoException | null = null;
    let count = 0;
    try {
      count = writeSync(fd, bytes);
    } catch (thrown) {
      error = thrown as NodeJS.ErrnoException;
    }
    this.#wrote(error, count, bytes.byteLength);
  }

  #wrote(error: NodeJS.ErrnoException | null, count: number, length: number): void {
    this.#busy = false;
    if (error?.code === 'EAGAIN') {
      this.#later(FULL_PIPE_MS);
      return;
    }
    if (error !== null) {
      this.#failure = error;
      this.#options.meter.auditFailed();
      // It waits for no more than this try, whoever waits for all.
      this.#later(AUDIT_RETRY_MS);
      this.#rest();
    } else if (count < length) {
      this.#offset += count;
    } else {
      this.#failure = undefined;
      this.#written(this.#batch.splice(0));
      this.#addMissing();
    }
    this.#tell();
    this.#go();
  }

  #written(lines: readonly Buffer[]): void {
    for (const { byteLength } of lines) this.#queuedBytes -= byteLength;
  }

  /** Before any line that comes after those that are missing. */
  #addMissing(): void {
    if (this.#missing === 0 || this.#queuedBytes >= MAX_QUEUED_AUDIT_BYTES) return;
    const count = this.#missing;
    this.#missing = 0;
    this.#push(this.#options.missingLine(count));
  }

  #retryNow(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
  }

  #later(delayMs: number): void {
    this.#retry = this.#options.clock.setTimer(delayMs, () => {
      this.#retry = undefined;
      this.#go();
    });
  }

  #rest(): void {
    for (const done of this.#onRest.splice(0)) done();
  }

  #tell(): void {
    const { writable } = this;
    if (writable === this.#toldWritable) return;
    this.#toldWritable = writable;
    this.#options.onChange(writable, this.#failure);
  }
}

function closeTarget({ fd, ours }: LineTarget): void {
  // What was written is written; nothing can be done where a close fails.
  if (ours) close(fd, () => {});
}

import type { Writable } from 'node:stream';
import { limitExceeded, RunletError } from '../errors.ts';
import type { Meter } from '../telemetry/meter.ts';
import type { StdinBudget } from './stdin-budgets.ts';

/** One write to a process's stdin. */
export interface StdinWrite {
  /** Where `data` stands in all that is written; undefined: right after what was accepted. */
  readonly offset: number | undefined;
  readonly data: Uint8Array;
  /** End of file follows `data`. */
  readonly eof: boolean;
}

/** How a pipe is made. */
export interface StdinPipeOptions {
  /** Bytes that may wait to be written. */
  readonly maxQueuedBytes: number;
  /** Bytes that a write counts as at least: so many have to be kept for it, whatever its data. */
  readonly minWriteBytes: number;
  /** Of which what waits is taken besides. Default: none. */
  readonly budget?: StdinBudget;
  /** Counts what is accepted. Default: nobody does. */
  readonly meter?: Pick<Meter, 'stdin'> | undefined;
  /** Called once, when the pipe takes no more while the process still runs. */
  readonly onClosed: () => void;
}

interface Pending {
  readonly write: StdinWrite;
  /** What it counts as. */
  readonly bytes: number;
  withdrawn: boolean;
  readonly resolve: (acceptedOffset: number) => void;
  readonly reject: (error: unknown) => void;
  readonly stopListening: () => void;
}

/**
 * Writes to a process's stdin, whole and one after the other. Bytes count as
 * accepted from the moment they are handed to the kernel's queue, since from
 * then on they cannot be taken back: a retry that comes while they still wait
 * for the process to read finds them accepted.
 */
export class StdinPipe {
  readonly #sink: Writable;
  readonly #options: StdinPipeOptions;
  #queue: Pending[] = [];
  /** Those of the queue that are to be passed over. */
  #withdrawn = 0;
  #queuedBytes = 0;
  #writing = false;
  #accepted = 0;
  #state: 'open' | 'ended' | 'broken' = 'open';

  constructor(sink: Writable, options: StdinPipeOptions) {
    this.#sink = sink;
    this.#options = options;
    // Also how the other end's closing shows where nothing is being written.
    sink.on('error', () => this.#break());
  }

  /** How many bytes were accepted so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /**
   * Writes in turn, and resolves with the number of bytes accepted in all once
   * they are in the pipe. A signal that aborts before the turn takes the write
   * out of the queue.
   *
   * @throws RunletError `STDIN_CLOSED`, `STDIN_OFFSET_GAP`, `LIMIT_EXCEEDED`
   */
  write(write: StdinWrite, signal: AbortSignal): Promise<number> {
    const { maxQueuedBytes, minWriteBytes } = this.#options;
    const bytes = Math.max(write.data.byteLength, minWriteBytes);
    if (this.#queuedBytes + bytes > maxQueuedBytes) {
      return Promise.reject(limitExceeded('max_queued_stdin_bytes', maxQueuedBytes));
    }
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.#withdraw(pending, signal);
      const stopListening = (): void => signal.removeEventListener('abort', onAbort);
      const pending: Pending = { write, bytes, withdrawn: false, resolve, reject, stopListening };
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      this.#options.budget?.take(bytes);
      signal.addEventListener('abort', onAbort);
      this.#queue.push(pending);
      this.#queuedBytes += bytes;
      this.#next();
    });
  }

  /** The process ended: whatever waits is told that its stdin is closed. Idempotent. */
  close(): void {
    if (this.#state === 'open') this.#state = 'broken';
    this.#sink.destroy();
    this.#next();
  }

  /** To be called while it waits for its turn. */
  #withdraw(pending: Pending, signal: AbortSignal): void {
    pending.withdrawn = true;
    this.#settle(pending);
    pending.reject(signal.reason);
    this.#withdrawn += 1;
    // Taken out many at a time, since each time all others are gone through.
    if (this.#withdrawn * 2 <= this.#queue.length) return;
    this.#queue = this.#queue.filter(({ withdrawn }) => !withdrawn);
    this.#withdrawn = 0;
  }

  #settle(pending: Pending): void {
    pending.stopListening();
    this.#queuedBytes -= pending.bytes;
    this.#options.budget?.give(pending.bytes);
  }

  #next(): void {
    while (!this.#writing) {
      const pending = this.#queue.shift();
      if (pending === undefined) return;
      if (pending.withdrawn) {
        this.#withdrawn -= 1;
        continue;
      }
      // Its turn has come, and it is done whatever becomes of the call.
      pending.stopListening();
      this.#take(pending);
    }
  }

  /** Does the write whose turn it is: at once if nothing is to be waited for. */
  #take(pending: Pending): void {
    const { offset, data, eof } = pending.write;
    const skipped = offset === undefined ? 0 : this.#accepted - offset;
    const fresh = data.subarray(Math.max(0, Math.min(skipped, data.byteLength)));
    if (skipped < 0) {
      this.#finish(pending, this.#gapError());
    } else if (this.#state !== 'open') {
      this.#finish(pending, this.#isRepeat(pending.write, fresh) ? undefined : closedError());
    } else {
      this.#accepted += fresh.byteLength;
      this.#options.meter?.stdin(fresh.byteLength);
      if (fresh.byteLength === 0) {
        if (eof) this.#end();
        this.#finish(pending, undefined);
        return;
      }
      this.#writing = true;
      this.#sink.write(fresh, (error) => {
        this.#writing = false;
        if (error) this.#break();
        // A stream that is destroyed calls back without an error for what it has not written.
        const failed = this.#state !== 'open';
        if (eof) this.#end();
        this.#finish(pending, failed ? closedError() : undefined);
        this.#next();
      });
    }
  }

  #finish(pending: Pending, error: RunletError | undefined): void {
    this.#settle(pending);
    if (error === undefined) pending.resolve(this.#accepted);
    else pending.reject(error);
  }

  /** Whether a write that comes after the end asks for nothing that was not done before. */
  #isRepeat({ offset, data, eof }: StdinWrite, fresh: Uint8Array): boolean {
    if (this.#state !== 'ended' || offset === undefined) return false;
    return fresh.byteLength === 0 && (data.byteLength > 0 || eof);
  }

  #gapError(): RunletError {
    return new RunletError('STDIN_OFFSET_GAP', {
      metadata: { accepted_offset: String(this.#accepted) },
    });
  }

  #end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    this.#sink.end();
    this.#options.onClosed();
  }

  #break(): void {
    if (this.#state !== 'open') return;
    this.#state = 'broken';
    this.#options.onClosed();
  }
}

function closedError(): RunletError {
  return new RunletError('STDIN_CLOSED');
}

import { invalidField } from '../../../errors.ts';
import type { WriteTreeInput } from '../../../files/agent/write-tree.ts';
import type { WriteTreeOpen, WriteTreeRequest } from '../../../gen/runlet/v1/file_pb.ts';

/** Bytes from which on memory is handed to another thread and not copied: files/workers/seat.ts. */
const OWN_BYTES = 64 * 1024;

/** Bytes of a message that are none of its data, at most. */
const MESSAGE_ROOM = 64;

/**
 * What a client sends to be unpacked, as the operation takes it. One message is read ahead while
 * that before is at work, and no more.
 */
export class TreeRequests {
  readonly #requests: AsyncIterator<WriteTreeRequest>;
  readonly #signal: AbortSignal;
  #next: Promise<IteratorResult<WriteTreeRequest>> | undefined;
  #error: unknown;

  /** @param signal aborts when the call is over, which the requests need not tell */
  constructor(requests: AsyncIterable<WriteTreeRequest>, signal: AbortSignal) {
    this.#requests = requests[Symbol.asyncIterator]();
    this.#signal = signal;
  }

  /** The first one. @throws RunletError it is another */
  async open(): Promise<WriteTreeOpen> {
    const { done, value } = await this.#requests.next();
    if (done || value.request.case !== 'open') throw invalidField('open', 'must come first');
    return value.request.value;
  }

  /** What comes next; `abandon` where that is nothing. Never rejects. */
  async next(): Promise<WriteTreeInput> {
    try {
      for (;;) {
        this.#next ??= this.#ask();
        const found = await this.#unlessOver(this.#next);
        this.#next = undefined;
        if (found === undefined || found.done) return 'abandon';
        const { request } = found.value;
        if (request.case === 'finish') return 'finish';
        if (request.case === 'open') throw invalidField('open', 'must come first, and only then');
        if (request.case !== 'data' || request.value.length === 0) continue;
        this.#next = this.#ask();
        return ownMemory(request.value);
      }
    } catch (error) {
      this.#error = error;
      return 'abandon';
    }
  }

  /** What was wrong with a request, where something was. */
  get error(): unknown {
    return this.#error;
  }

  /** No more is wanted. */
  close(): void {
    void this.#requests.return?.()?.catch(() => {});
  }

  #unlessOver<T>(promise: Promise<T>): Promise<T | undefined> {
    const signal = this.#signal;
    return new Promise((resolve, reject) => {
      const giveUp = (): void => resolve(undefined);
      if (signal.aborted) giveUp();
      signal.addEventListener('abort', giveUp);
      promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
    });
  }

  #ask(): Promise<IteratorResult<WriteTreeRequest>> {
    const next = this.#requests.next();
    // It is looked at when it is its turn.
    next.catch(() => {});
    return next;
  }
}

/** Memory that is handed over goes as a whole: nothing else may be in it. */
function ownMemory(data: Uint8Array): Uint8Array {
  const isOwn = data.buffer.byteLength <= data.byteLength + MESSAGE_ROOM;
  return data.byteLength < OWN_BYTES || isOwn ? data : data.slice();
}

import { timingSafeEqual } from 'node:crypto';
import { RunletError } from '../errors.ts';
import type { SessionEvent } from './session-event.ts';
import type { Held, Holder } from './session-state.ts';

/** Who is attached: told of what happens, and of the end. */
export interface AttachmentListener {
  /** Something happened in the session. Not called after `onEnd`. */
  onEvent(event: SessionEvent): void;
  /** The attachment is over, though the listener did not end it. Called once at most. */
  onEnd(why: RunletError): void;
}

/** One attachment to a session, and the calls that are made for it. */
export class Attachment implements Held {
  /** A UUID. */
  readonly id: string;
  readonly holder: Holder | undefined;
  readonly #listener: AttachmentListener;
  /** What fails the calls under way that carry its id. */
  readonly #calls = new Set<(why: RunletError) => void>();
  #ended = false;

  constructor(id: string, holder: Holder | undefined, listener: AttachmentListener) {
    this.id = id;
    this.holder = holder;
    this.#listener = listener;
  }

  /** Whether `id` is its own. Ids are secrets: whoever knows one can act for it. */
  hasId(id: string): boolean {
    return id.length === this.id.length && timingSafeEqual(Buffer.from(id), Buffer.from(this.id));
  }

  /** Counts a call as made for it until the function that is returned is called. */
  guard(fail: (why: RunletError) => void): () => void {
    this.#calls.add(fail);
    return () => this.#calls.delete(fail);
  }

  /** Tells the listener. */
  deliver(event: SessionEvent): void {
    if (!this.#ended) this.#listener.onEvent(event);
  }

  /** Another took over: the stream and all its calls fail, now. */
  fence(): void {
    const why = new RunletError('ATTACHMENT_SUPERSEDED');
    this.end(why);
    for (const fail of this.#calls) fail(why);
    this.#calls.clear();
  }

  /** The stream is over. */
  end(why: RunletError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listener.onEnd(why);
  }
}

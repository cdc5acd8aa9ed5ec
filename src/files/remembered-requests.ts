import { createHash } from 'node:crypto';
import { RunletError } from '../errors.ts';
import { MAX_REMEMBERED_REQUESTS } from '../limits.ts';
import type { Session } from '../session/session.ts';

/** A call that may be a repeat of another. */
export interface RepeatableCall {
  /** Its `request_id`. Empty: no repeat is known. */
  readonly requestId: string;
  /** The rpc and all that it was asked for, but what may differ in a repeat. For JSON. */
  readonly about: readonly unknown[];
  /** Aborts when the call ends before its work does. */
  readonly signal: AbortSignal;
}

/** What is known of calls with some id. */
interface Remembered {
  readonly fingerprint: string;
  readonly answer: Promise<unknown>;
}

/**
 * The calls of a session that were made with an id, so that a repeat does nothing twice: it has
 * the answer of the first, and waits for it where that is under way. What failed is forgotten.
 */
export class RememberedRequests {
  readonly #maxAnswers: number;
  /** As many as there are such calls under way. */
  readonly #underWay = new Map<string, Remembered>();
  /** The oldest first. */
  readonly #answered = new Map<string, Remembered>();

  /** @param maxAnswers that are remembered; the oldest goes for the next */
  constructor(maxAnswers = MAX_REMEMBERED_REQUESTS) {
    this.#maxAnswers = maxAnswers;
  }

  /**
   * Does the work of a call, unless it was or is being done.
   *
   * @throws RunletError `REQUEST_MISMATCH`: the id was used for something else; and what the work
   *   throws
   */
  async once<T>(call: RepeatableCall, work: () => Promise<T>): Promise<T> {
    const { about, requestId, signal } = call;
    if (requestId === '') return work();
    const fingerprint = fingerprintOf(about);
    for (;;) {
      const earlier = this.#underWay.get(requestId) ?? this.#answered.get(requestId);
      if (earlier === undefined) return this.#begin({ fingerprint, requestId, signal }, work);
      if (earlier.fingerprint !== fingerprint) throw new RunletError('REQUEST_MISMATCH');
      try {
        return (await earlier.answer) as T;
      } catch (error) {
        // The first gave up because its own call ended: ours is still there.
        if (!(error instanceof GivenUp)) throw error;
        signal.throwIfAborted();
      }
    }
  }

  async #begin<T>(
    call: { fingerprint: string; requestId: string; signal: AbortSignal },
    work: () => Promise<T>,
  ): Promise<T> {
    const { fingerprint, requestId, signal } = call;
    const done = work();
    const answer = done.catch((error: unknown) => {
      throw signal.aborted ? new GivenUp(error) : error;
    });
    const remembered: Remembered = { fingerprint, answer };
    this.#underWay.set(requestId, remembered);
    try {
      const result = await answer;
      this.#remember(requestId, remembered);
      return result;
    } catch (error) {
      throw error instanceof GivenUp ? error.cause : error;
    } finally {
      this.#underWay.delete(requestId);
    }
  }

  #remember(requestId: string, remembered: Remembered): void {
    this.#answered.set(requestId, remembered);
    const [oldest] = this.#answered.keys();
    if (this.#answered.size > this.#maxAnswers && oldest !== undefined) {
      this.#answered.delete(oldest);
    }
  }
}

/** The first call ended before its work did. */
class GivenUp extends Error {
  constructor(cause: unknown) {
    super('given up', { cause });
  }
}

const ofSessions = new WeakMap<Session, RememberedRequests>();

/** Those of a session, which go with it. */
export function rememberedRequests(session: Session): RememberedRequests {
  const known = ofSessions.get(session) ?? new RememberedRequests();
  ofSessions.set(session, known);
  return known;
}

/** As short as can be: many are kept. */
function fingerprintOf(about: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(about)).digest('base64');
}

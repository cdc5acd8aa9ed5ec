import type { CallOptions } from '../bridge/types.ts';
import { callFailure } from './call-failure.ts';
import type { RemoteError } from './errors.ts';
import type { Generation } from './generation.ts';
import type { Link } from './link.ts';
import type { ClientSettings } from './options.ts';
import { Pacer } from './pacer.ts';
import type { SandboxInit } from './sandbox.ts';
import { unlessAborted } from './waiting.ts';

/** Failures in a row of one call that may be the server's fault, before it is given up. */
export const MAX_AMBIGUOUS_FAILURES = 5;

/** What a call is made with. */
export interface CallTarget {
  readonly generation: Generation;
  /** What every request carries. */
  readonly ids: {
    readonly sessionId: string;
    readonly attachmentId: string;
    /** Of calls about files alone. */
    readonly sandbox?: SandboxInit;
  };
  readonly options: CallOptions;
}

/**
 * Whether a call whose credentials were refused is made again with others: that is possible, once;
 * or not, since the call must not be made twice.
 */
export type Renewal = 'possible' | 'done' | 'not-here';

/** A call that failed, and may be made again. */
export interface FailedCall {
  readonly error: Error;
  readonly ambiguous: boolean;
  /** Whether it was refused for credentials that others take the place of. */
  readonly renewed: boolean;
}

/** The attempts at calls that name a session: what each is made with, and what its failure means. */
export class CallAttempts {
  readonly #sessionId: string;
  readonly #link: Link;
  readonly #settings: ClientSettings;
  readonly #pacer = new Pacer();

  constructor(sessionId: string, link: Link, settings: ClientSettings) {
    this.#sessionId = sessionId;
    this.#link = link;
    this.#settings = settings;
  }

  /** The connections to use, as soon as there are any. */
  ready(signal: AbortSignal | undefined): Promise<Generation> {
    const ready = this.#link.ready();
    return signal === undefined ? ready : unlessAborted(ready, signal);
  }

  /**
   * What a call is made with; undefined: the generation ended before anything was sent.
   * `signal` aborts with that, too, and throws where it was the caller's that aborted.
   */
  async target(generation: Generation, signal: AbortSignal): Promise<CallTarget | undefined> {
    const sessionId = this.#sessionId;
    const { attachmentId } = generation;
    let options: Pick<CallOptions, 'metadata'>;
    try {
      // Asked of the program, which may take its time.
      options = await unlessAborted(this.#link.callOptions(), signal);
      await this.#pacer.turn();
      signal.throwIfAborted();
    } catch (error) {
      if (generation.signal.aborted) return undefined;
      throw error;
    }
    return { generation, ids: { sessionId, attachmentId }, options: { ...options, signal } };
  }

  /** What a failed call was, if it may be made again; throws what is final. */
  async failed(generation: Generation, error: unknown, renewal: Renewal): Promise<FailedCall> {
    const failure = callFailure(error);
    if (failure.kind === 'credentials') {
      if (this.#renews(failure.error, renewal)) {
        return { error: failure.error, ambiguous: false, renewed: true };
      }
      this.#link.credentialsRefused(failure.error);
    }
    if (this.#link.lost !== undefined) throw this.#link.lost;
    if (failure.kind === 'unreachable') throw failure.error;
    if (failure.kind === 'connection') {
      // Cancelled since the generation was over, of which the call is not to blame.
      const ambiguous = failure.ambiguous && !generation.signal.aborted;
      this.#link.suspect(generation);
      return { error: failure.error, ambiguous, renewed: false };
    }
    const gone = await this.#link.refused(generation, failure.error);
    if (this.#link.lost !== undefined) throw this.#link.lost;
    if (!gone) throw failure.error;
    return { error: failure.error, ambiguous: false, renewed: false };
  }

  /** Whether the program may have other credentials than those that a call was refused with. */
  #renews(error: RemoteError, renewal: Renewal): boolean {
    const { credentialsChange, renewCredentials } = this.#settings;
    if (!credentialsChange || this.#link.lost !== undefined) return false;
    renewCredentials();
    // It may have been done before they were over. The next call has others.
    if (renewal === 'not-here') throw error;
    return renewal === 'possible';
  }
}

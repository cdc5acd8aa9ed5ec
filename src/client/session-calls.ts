import { randomUUID } from 'node:crypto';
import type { CallOptions } from '../bridge/types.ts';
import type { ProcessEvent as ProcessEventMessage } from '../gen/runlet/v1/event_pb.ts';
import { Acknowledger } from './acknowledger.ts';
import { callFailure } from './call-failure.ts';
import { ConnectionError, type RemoteError } from './errors.ts';
import { followEvents } from './follow-events.ts';
import type { Generation } from './generation.ts';
import { joinSignals } from './joined-signal.ts';
import type { Link } from './link.ts';
import type { ClientSettings } from './options.ts';
import { Pacer } from './pacer.ts';
import { unlessAborted, within } from './waiting.ts';

/** Bytes that an event counts as beside its data: see `unacknowledged_bytes` in the protos. */
const EVENT_BYTES = 64;

/** Failures in a row of one call that may be the server's fault, before it is given up. */
const MAX_AMBIGUOUS_FAILURES = 5;

/** How long a reader that leaves waits until that is known, in milliseconds. */
const LEAVE_MS = 1_000;

/** What a call is made with. */
export interface CallTarget {
  readonly generation: Generation;
  /** What every request carries. */
  readonly ids: { readonly sessionId: string; readonly attachmentId: string };
  readonly options: CallOptions;
}

/** How a call may be made. */
export interface CallPolicy {
  /** Whether a repetition does no harm. If not, it is sent once at most. */
  readonly idempotent: boolean;
  /** Gives the call up, and rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How events are followed. */
export interface FollowOptions {
  /** Whether the server is told what has come. */
  readonly acknowledge: boolean;
  /** Ends it. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Whether a call whose credentials were refused is made again with others: that is possible, once;
 * or not, since the call must not be made twice.
 */
type Renewal = 'possible' | 'done' | 'not-here';

/** A call that failed, and may be made again. */
interface FailedCall {
  readonly error: Error;
  readonly ambiguous: boolean;
  /** Whether it was refused for credentials that others take the place of. */
  readonly renewed: boolean;
}

/** How far a reader of a process has come. */
interface ReaderPlace {
  readonly processId: string;
  readonly readerId: string;
  readonly seq: bigint;
}

/** Makes calls that name a session, as often as it takes. */
export class SessionCalls {
  readonly sessionId: string;
  readonly link: Link;
  readonly #silenceMs: number;
  readonly #settings: ClientSettings;
  readonly #pacer = new Pacer();

  constructor(sessionId: string, link: Link, silenceMs: number, settings: ClientSettings) {
    this.sessionId = sessionId;
    this.link = link;
    this.#silenceMs = silenceMs;
    this.#settings = settings;
  }

  /**
   * Makes a call over the connection that there is, waiting for one where there is none;
   * and again over the next one if it did not come through and may be repeated.
   *
   * @throws RemoteError the server refused it
   * @throws SessionLostError the session is over for this client
   * @throws ConnectionError it may or may not have been done
   */
  call<T>(policy: CallPolicy, make: (target: CallTarget) => Promise<T>): Promise<T> {
    return this.#settings.keepAlive.during(this.#call(policy, make));
  }

  async #call<T>(
    { idempotent, signal }: CallPolicy,
    make: (target: CallTarget) => Promise<T>,
  ): Promise<T> {
    let ambiguous = 0;
    let renewal: Renewal = idempotent ? 'possible' : 'not-here';
    for (;;) {
      const generation = await this.#ready(signal);
      const joined = joinSignals(generation.signal, signal);
      try {
        const target = await this.#target(generation, joined.signal);
        if (target === undefined) continue;
        return await make(target);
      } catch (error) {
        signal?.throwIfAborted();
        const failure = await this.#failed(generation, error, renewal);
        if (failure.renewed) renewal = 'done';
        if (failure.ambiguous) ambiguous += 1;
        if (!idempotent || ambiguous >= MAX_AMBIGUOUS_FAILURES) {
          throw new ConnectionError(
            `the connection broke during the call: ${failure.error.message}`,
            true,
            failure.error,
          );
        }
      } finally {
        joined.release();
      }
    }
  }

  /**
   * The events of a process after one, in batches, to `closed`: over as many connections
   * as it takes. Reads no faster than they are taken. `acknowledge`: the process waits until it
   * is said that they have come; a batch has when the next is asked for.
   *
   * @throws RemoteError, SessionLostError
   */
  async *follow(
    processId: string,
    afterSeq: bigint,
    options: FollowOptions,
  ): AsyncGenerator<readonly ProcessEventMessage[]> {
    const { keepAlive } = this.#settings;
    const events = this.#follow(processId, afterSeq, options);
    try {
      // What is not asked for the next is not waited for.
      for (;;) {
        const { done, value } = await keepAlive.during(events.next());
        if (done) return;
        yield value;
      }
    } finally {
      await keepAlive.during(events.return(undefined));
    }
  }

  async *#follow(
    processId: string,
    afterSeq: bigint,
    { acknowledge, signal }: FollowOptions,
  ): AsyncGenerator<readonly ProcessEventMessage[]> {
    const readerId = acknowledge ? randomUUID() : '';
    let last = afterSeq;
    let ambiguous = 0;
    let renewal: Renewal = 'possible';
    let isTaken = false;
    for (;;) {
      const generation = await this.#ready(signal);
      const joined = joinSignals(generation.signal, signal);
      const acknowledger = new Acknowledger(this.#settings.clock, (seq) =>
        this.#acknowledge(generation, { processId, readerId, seq }),
      );
      try {
        const target = await this.#target(generation, joined.signal);
        if (target === undefined) continue;
        const { ids, options } = target;
        const request = { ...ids, processId, afterSeq: last, readerId };
        const responses = generation.output.processes.watchProcess(request, options);
        for await (const events of followEvents(responses, this.#silenceMs, this.#settings.clock)) {
          ambiguous = 0;
          renewal = 'possible';
          const newest = events.at(-1);
          if (newest === undefined) continue;
          isTaken = true;
          yield events;
          isTaken = false;
          last = newest.seq;
          if (newest.event.case === 'closed') return;
          if (acknowledge) acknowledger.had(last, sizeOf(events));
        }
        // Nothing but `closed` ends it in order.
        throw new ConnectionError('the stream of events ended early', false);
      } catch (error) {
        signal?.throwIfAborted();
        const failure = await this.#failed(generation, error, renewal);
        if (failure.renewed) renewal = 'done';
        if (failure.ambiguous) ambiguous += 1;
        if (ambiguous >= MAX_AMBIGUOUS_FAILURES) throw failure.error;
      } finally {
        acknowledger.stop();
        joined.release();
        // It was broken off by who reads. While it is not known the process may have to wait.
        const leaves = acknowledge && (isTaken || signal?.aborted === true);
        if (leaves) await this.#leave(generation, { processId, readerId, seq: last });
      }
    }
  }

  /** Says that a reader does not come back, as far as that can be said soon. */
  async #leave(generation: Generation, place: ReaderPlace): Promise<void> {
    const said = this.#acknowledge(generation, { ...place, done: true });
    await within(said, LEAVE_MS, this.#settings.clock, 'the server did not answer').catch(() => {});
  }

  /** Over the connection that carries no output: it does not wait behind that. */
  async #acknowledge(
    generation: Generation,
    what: ReaderPlace & { readonly done?: boolean },
  ): Promise<void> {
    const target = await this.#target(generation, generation.signal);
    if (target === undefined) return;
    const { ids, options } = target;
    await generation.control.processes.acknowledgeOutput({ ...ids, ...what }, options);
  }

  #ready(signal: AbortSignal | undefined): Promise<Generation> {
    const ready = this.link.ready();
    return signal === undefined ? ready : unlessAborted(ready, signal);
  }

  /**
   * What a call is made with; undefined: the generation ended before anything was sent.
   * `signal` aborts with that, too, and throws where it was the caller's that aborted.
   */
  async #target(generation: Generation, signal: AbortSignal): Promise<CallTarget | undefined> {
    const { sessionId } = this;
    const { attachmentId } = generation;
    let options: Pick<CallOptions, 'metadata'>;
    try {
      // Asked of the program, which may take its time.
      options = await unlessAborted(this.link.callOptions(), signal);
      await this.#pacer.turn();
      signal.throwIfAborted();
    } catch (error) {
      if (generation.signal.aborted) return undefined;
      throw error;
    }
    return { generation, ids: { sessionId, attachmentId }, options: { ...options, signal } };
  }

  /** What a failed call was, if it may be made again; throws what is final. */
  async #failed(generation: Generation, error: unknown, renewal: Renewal): Promise<FailedCall> {
    const failure = callFailure(error);
    if (failure.kind === 'credentials') {
      if (this.#renews(failure.error, renewal)) {
        return { error: failure.error, ambiguous: false, renewed: true };
      }
      this.link.credentialsRefused(failure.error);
    }
    if (this.link.lost !== undefined) throw this.link.lost;
    if (failure.kind === 'unreachable') throw failure.error;
    if (failure.kind === 'connection') {
      // Cancelled since the generation was over, of which the call is not to blame.
      const ambiguous = failure.ambiguous && !generation.signal.aborted;
      this.link.suspect(generation);
      return { error: failure.error, ambiguous, renewed: false };
    }
    const gone = await this.link.refused(generation, failure.error);
    if (this.link.lost !== undefined) throw this.link.lost;
    if (!gone) throw failure.error;
    return { error: failure.error, ambiguous: false, renewed: false };
  }

  /** Whether the program may have other credentials than those that a call was refused with. */
  #renews(error: RemoteError, renewal: Renewal): boolean {
    const { credentialsChange, renewCredentials } = this.#settings;
    if (!credentialsChange || this.link.lost !== undefined) return false;
    renewCredentials();
    // It may have been done before they were over. The next call has others.
    if (renewal === 'not-here') throw error;
    return renewal === 'possible';
  }
}

/** About how many bytes some events took. */
function sizeOf(events: readonly ProcessEventMessage[]): number {
  let bytes = 0;
  for (const { event } of events) {
    bytes += EVENT_BYTES + (event.case === 'output' ? event.value.data.byteLength : 0);
  }
  return bytes;
}

import { randomUUID } from 'node:crypto';
import type { ProcessEvent as ProcessEventMessage } from '../gen/runlet/v1/event_pb.ts';
import { Acknowledger } from './acknowledger.ts';
import {
  CallAttempts,
  type CallTarget,
  MAX_AMBIGUOUS_FAILURES,
  type Renewal,
} from './call-attempts.ts';
import { RunletClientError } from './client-error.ts';
import { ConnectionError } from './errors.ts';
import { followStream } from './follow-stream.ts';
import type { Generation } from './generation.ts';
import { joinSignals } from './joined-signal.ts';
import type { Link } from './link.ts';
import type { ClientSettings } from './options.ts';
import { keptInTrace, type ProcessCalls } from './tracing.ts';
import { pause, within } from './waiting.ts';

/** Bytes that an event counts as beside its data: see `unacknowledged_bytes` in the protos. */
const EVENT_BYTES = 64;

/** How long a reader that leaves waits until that is known, in milliseconds. */
const LEAVE_MS = 1_000;

/** How a call may be made. */
export interface CallPolicy {
  /** Whether a repetition does no harm. If not, it is sent once at most. */
  readonly idempotent: boolean;
  /** Gives the call up, and rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a call. One that takes several connections calls `cameOn` when it has come further: what
 * failed before does not count any more.
 */
type MakeCall<T> = (target: CallTarget, cameOn: () => void) => Promise<T>;

/** How events are followed. */
export interface FollowOptions {
  /** Whether the server is told what has come. */
  readonly acknowledge: boolean;
  /** Ends it. */
  readonly signal: AbortSignal | undefined;
}

/** How far a reader of a process has come. */
interface ReaderPlace {
  readonly processId: string;
  readonly readerId: string;
  readonly seq: bigint;
}

/** A reader of a process, over all connections. */
interface Reader extends FollowOptions {
  readonly processId: string;
  readonly readerId: string;
  /** The last event that it has had. */
  seq: bigint;
}

/** Makes calls that name a session, as often as it takes. */
export class SessionCalls {
  readonly sessionId: string;
  readonly link: Link;
  readonly #silenceMs: number;
  readonly #settings: ClientSettings;
  readonly #attempts: CallAttempts;

  constructor(sessionId: string, link: Link, silenceMs: number, settings: ClientSettings) {
    this.sessionId = sessionId;
    this.link = link;
    this.#silenceMs = silenceMs;
    this.#settings = settings;
    this.#attempts = new CallAttempts(sessionId, link, settings);
  }

  /** The same for a process, in the trace that its calls belong to. */
  keptInTrace(): ProcessCalls {
    return keptInTrace(this, this.#settings.tracing);
  }

  /**
   * Makes a call over the connection that there is, waiting for one where there is none;
   * and again over the next one if it did not come through and may be repeated.
   *
   * @throws RemoteError the server refused it
   * @throws SessionLostError the session is over for this client
   * @throws ConnectionError it may or may not have been done
   */
  call<T>(policy: CallPolicy, make: MakeCall<T>): Promise<T> {
    return this.#settings.keepAlive.during(this.#call(policy, make));
  }

  async #call<T>({ idempotent, signal }: CallPolicy, make: MakeCall<T>): Promise<T> {
    let ambiguous = 0;
    let renewal: Renewal = idempotent ? 'possible' : 'not-here';
    for (;;) {
      const generation = await this.#attempts.ready(signal);
      const joined = joinSignals(generation.signal, signal);
      try {
        const target = await this.#attempts.target(generation, joined.signal);
        if (target === undefined) continue;
        return await make(target, () => {
          ambiguous = 0;
          if (idempotent) renewal = 'possible';
        });
      } catch (error) {
        signal?.throwIfAborted();
        const failure = await this.#attempts.failed(generation, error, renewal);
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
  follow(
    processId: string,
    afterSeq: bigint,
    { acknowledge, signal }: FollowOptions,
  ): AsyncGenerator<readonly ProcessEventMessage[]> {
    const readerId = acknowledge ? randomUUID() : '';
    const reader: Reader = { processId, readerId, seq: afterSeq, acknowledge, signal };
    return this.stream(signal, (target) => this.#watch(target, reader));
  }

  /**
   * What a stream of the server gives, over as many connections as it takes. `open` begins one on
   * a connection, where the last one came to: it ends when all was there, and yields undefined
   * for what shows no more than that the stream goes on. Reads no faster than it is taken.
   *
   * @throws RemoteError, SessionLostError, the reason of the signal
   */
  async *stream<T>(
    signal: AbortSignal | undefined,
    open: (target: CallTarget) => AsyncIterable<T | undefined>,
  ): AsyncGenerator<T> {
    const { keepAlive } = this.#settings;
    const given = this.#stream(signal, open);
    try {
      // What is not asked for the next is not waited for.
      for (;;) {
        const { done, value } = await keepAlive.during(given.next());
        if (done) return;
        yield value;
      }
    } finally {
      await keepAlive.during(given.return(undefined));
    }
  }

  async *#stream<T>(
    signal: AbortSignal | undefined,
    open: (target: CallTarget) => AsyncIterable<T | undefined>,
  ): AsyncGenerator<T> {
    let ambiguous = 0;
    let renewal: Renewal = 'possible';
    for (;;) {
      const generation = await this.#attempts.ready(signal);
      const joined = joinSignals(generation.signal, signal);
      try {
        const target = await this.#attempts.target(generation, joined.signal);
        if (target === undefined) continue;
        for await (const value of open(target)) {
          ambiguous = 0;
          renewal = 'possible';
          if (value !== undefined) yield value;
        }
        return;
      } catch (error) {
        signal?.throwIfAborted();
        const failure = await this.#attempts.failed(generation, error, renewal);
        if (failure.renewed) renewal = 'done';
        if (failure.ambiguous) ambiguous += 1;
        if (ambiguous >= MAX_AMBIGUOUS_FAILURES) throw failure.error;
      } finally {
        joined.release();
      }
    }
  }

  /**
   * What a call that is not made again ends with, of how it failed. The connection is given up
   * where it is to blame.
   */
  async cut(generation: Generation, error: unknown): Promise<Error> {
    try {
      const failure = await this.#attempts.failed(generation, error, 'not-here');
      return new RunletClientError(
        'INTERRUPTED',
        `the connection to the server broke: ${failure.error.message}`,
        failure.error,
      );
    } catch (final) {
      return final instanceof Error ? final : new Error(String(final));
    }
  }

  /** Keeps this program from ending, as long as it is not said that it need not. */
  hold(): () => void {
    return this.#settings.keepAlive.hold();
  }

  /** The messages of a stream. One that is silent for longer than heartbeats allow fails. */
  messages<T>(responses: AsyncIterable<T>): AsyncGenerator<T> {
    return followStream(responses, this.#silenceMs, this.#settings.clock);
  }

  /** What a promise gives, which is not waited for any longer than `ms` milliseconds. */
  within<T>(promise: Promise<T>, ms: number): Promise<T> {
    return within(promise, ms, this.#settings.clock, 'the server did not answer');
  }

  /** Resolves after a while, or when the signal aborts. */
  pause(ms: number, signal: AbortSignal): Promise<void> {
    return pause(ms, this.#settings.clock, signal);
  }

  async *#watch(
    { generation, ids, options }: CallTarget,
    reader: Reader,
  ): AsyncGenerator<readonly ProcessEventMessage[] | undefined> {
    const { acknowledge, processId, readerId, signal } = reader;
    const acknowledger = new Acknowledger(this.#settings.clock, (seq) =>
      this.#acknowledge(generation, { processId, readerId, seq }),
    );
    let isTaken = false;
    try {
      const request = { ...ids, processId, afterSeq: reader.seq, readerId };
      const responses = generation.output.processes.watchProcess(request, options);
      for await (const { events } of this.messages(responses)) {
        const newest = events.at(-1);
        if (newest === undefined) {
          yield undefined;
          continue;
        }
        isTaken = true;
        yield events;
        isTaken = false;
        reader.seq = newest.seq;
        if (newest.event.case === 'closed') return;
        if (acknowledge) acknowledger.had(newest.seq, sizeOf(events));
      }
      // Nothing but `closed` ends it in order.
      throw new ConnectionError('the stream of events ended early', false);
    } finally {
      acknowledger.stop();
      // It was broken off by who reads. While it is not known the process may have to wait.
      const leaves = acknowledge && (isTaken || signal?.aborted === true);
      if (leaves) await this.#leave(generation, { processId, readerId, seq: reader.seq });
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
    const target = await this.#attempts.target(generation, generation.signal);
    if (target === undefined) return;
    const { ids, options } = target;
    await generation.control.processes.acknowledgeOutput({ ...ids, ...what }, options);
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

import { Metadata, type ServerUnaryCall, type StatusObject, status } from '@grpc/grpc-js';
import { CALL_IDS, type CallContext, type ContextKey } from './call-context.ts';
import { type CallEdge, callAt } from './call-edges.ts';
import type { CallOutcome } from './interceptor.ts';
import { SMALL_MESSAGE_BYTES } from './request-meter.ts';

/** What all four kinds of grpc-js calls have. */
type AnyServerCall = Pick<
  ServerUnaryCall<unknown, unknown>,
  'cancelled' | 'getDeadline' | 'getPath' | 'metadata' | 'sendMetadata'
> & { once(event: 'cancelled', listener: () => void): unknown };

/** A client resets a call at its deadline, and its clock may be a moment ahead of ours. */
const DEADLINE_TOLERANCE_MS = 100;

/** How a context lets its call end. */
export interface CallEnding {
  /** The one place where an error becomes a status. */
  readonly toStatus: (error: unknown) => Partial<StatusObject>;
  /** Sends the status of a call that failed. Called once at most. */
  readonly sendFailure: (failure: Partial<StatusObject>) => void;
}

/** The context of a call that came through grpc-js. */
export class GrpcCallContext implements CallContext {
  readonly method: string;
  readonly #call: AnyServerCall;
  readonly #ending: CallEnding;
  /** What is known of the call beyond grpc-js. */
  readonly edge: CallEdge | undefined;
  /** Resolves when the call is over. */
  readonly outcome: Promise<CallOutcome>;
  #settle: (outcome: CallOutcome) => void = () => {};
  /** Made when it is asked for: most calls end before anybody does. */
  #abort: AbortController | undefined;
  readonly #values = new Map<ContextKey<unknown>, unknown>();
  readonly #cleanups: (() => void)[] = [];
  readonly #reservations: (() => void)[] = [];
  #over = false;
  /** It ended before its handler did. */
  #gone = false;

  constructor(call: AnyServerCall, ending: CallEnding, edge?: CallEdge) {
    this.method = call.getPath();
    this.#call = call;
    this.#ending = ending;
    this.edge = edge;
    this.outcome = new Promise((resolve) => {
      this.#settle = resolve;
    });
    if (edge !== undefined) edge.refuse = () => this.fail(edge.memoryError());
    if (edge?.farDeadline !== undefined) {
      this.defer(callAt(edge.farDeadline, () => this.#expire()));
    }
    // Emitted after every call, successful ones included
    // (https://github.com/grpc/grpc-node/issues/2771): it cancels only what we did not end.
    call.once('cancelled', () => this.#cancelled());
    if (call.cancelled) this.#cancelled();
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#gone) this.#abort.abort();
    return this.#abort.signal;
  }

  get deadline(): number {
    return this.edge?.farDeadline ?? Number(this.#call.getDeadline());
  }

  /** Whether the call is over, answered or not. */
  get over(): boolean {
    return this.#over;
  }

  get peer(): unknown {
    return this.edge?.peer;
  }

  get arrival(): unknown {
    return this.edge?.arrival;
  }

  header(name: string): string | undefined {
    const [value] = this.#call.metadata.get(name);
    return typeof value === 'string' ? value : undefined;
  }

  sendHeaders(): void {
    this.#call.sendMetadata(new Metadata());
  }

  async reserve(bytes: number): Promise<() => void> {
    if (this.edge === undefined) return () => {};
    const { answers, memoryError } = this.edge;
    if (!(answers.tryTake(bytes) || (await answers.take(bytes, true)))) throw memoryError();
    let reserved = true;
    const release = (): void => {
      if (reserved) answers.give(bytes);
      reserved = false;
    };
    this.#reservations.push(release);
    return release;
  }

  /** Counts an answer until it is sent, and nothing that was reserved for it. */
  holdAnswer(bytes: number): void {
    if (bytes > SMALL_MESSAGE_BYTES) this.edge?.answers.hold(bytes);
    for (const release of this.#reservations.splice(0)) release();
  }

  get<T>(key: ContextKey<T>): T {
    return this.#values.has(key) ? (this.#values.get(key) as T) : key.initial;
  }

  set<T>(key: ContextKey<T>, value: T): void {
    this.#values.set(key, value);
  }

  annotate(ids: Readonly<Record<string, string>>): void {
    this.set(CALL_IDS, { ...this.get(CALL_IDS), ...ids });
  }

  defer(cleanup: () => void): void {
    if (this.#over) cleanup();
    else this.#cleanups.push(cleanup);
  }

  fail(error: unknown): void {
    if (this.#over) return;
    const failure = this.#ending.toStatus(error);
    this.#finish(failure.code ?? status.UNKNOWN, error);
    this.#ending.sendFailure(failure);
    this.#giveUp();
  }

  /** The handler is done: `send` sends what is left, unless the call is over already. */
  succeed(send: () => void): void {
    if (this.#over) return;
    this.#finish(status.OK, undefined);
    send();
  }

  /** As grpc-js does it for the deadlines that it sees to. */
  #expire(): void {
    if (this.#over) return;
    this.#finish(status.DEADLINE_EXCEEDED, undefined);
    this.#ending.sendFailure({ code: status.DEADLINE_EXCEEDED, details: 'Deadline exceeded' });
    this.#giveUp();
  }

  #cancelled(): void {
    if (this.#over) return;
    const late = Date.now() + DEADLINE_TOLERANCE_MS >= this.deadline;
    this.#finish(late ? status.DEADLINE_EXCEEDED : status.CANCELLED, undefined);
    this.#giveUp();
  }

  #giveUp(): void {
    this.#gone = true;
    this.#abort?.abort();
  }

  #finish(code: number, error: unknown): void {
    this.#over = true;
    for (const cleanup of this.#cleanups) cleanup();
    this.#settle({ code, error });
  }
}

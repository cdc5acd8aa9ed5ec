import type { CallOptions } from '../../bridge/types.ts';
import type { CallTarget } from '../call-attempts.ts';
import { RunletClientError } from '../client-error.ts';
import type { Generation } from '../generation.ts';
import type { SessionCalls } from '../session-calls.ts';
import { RequestFeed } from './request-feed.ts';

/** Begins a call. @internal */
export type BeginCall<Q, R> = (
  target: CallTarget,
  requests: AsyncIterable<Q>,
  options: CallOptions,
) => AsyncIterable<R>;

/**
 * A call that is made once, on one connection, and never again: who reads its responses is told
 * how it failed, and so is `onBroken` where nobody reads.
 *
 * @internal
 */
export class NetworkCall<Q, R> {
  readonly #calls: SessionCalls;
  readonly #generation: Generation;
  readonly #feed = new RequestFeed<Q>();
  readonly #responses: AsyncGenerator<R>;
  readonly #over = new AbortController();
  readonly #brokeDown: () => void;
  #failure: Error | undefined;
  #stands = false;
  #isOver = false;
  #onOver: () => void = () => {};
  #onBroken: (error: Error) => void = () => {};

  constructor(calls: SessionCalls, target: CallTarget, begin: BeginCall<Q, R>) {
    this.#calls = calls;
    this.#generation = target.generation;
    const options = { ...target.options, signal: this.#over.signal };
    this.#responses = calls.messages(begin(target, this.#feed, options));
    this.#brokeDown = () => {
      const error = calls.link.lost ?? interrupted();
      this.cancel(error);
      this.#onBroken(error);
    };
    this.#generation.signal.addEventListener('abort', this.#brokeDown, { once: true });
  }

  /** From now on its failures are those of something that stood. */
  stands(): void {
    this.#stands = true;
  }

  /** Told when the connection to the server, or the session, is over before the call is. */
  onBroken(callback: (error: Error) => void): void {
    this.#onBroken = callback;
  }

  /** Told when it is over, however it ends; at once where it is. */
  whenOver(callback: () => void): void {
    this.#onOver = callback;
    if (this.#isOver) callback();
  }

  /** Sends a request, when the one before was taken. Whether it was: it is not of a call that is over. */
  send(request: Q): Promise<boolean> {
    return this.#feed.offer(request);
  }

  /** Nothing more is sent. */
  sent(): void {
    this.#feed.end();
  }

  /**
   * The next response; undefined: there are no more.
   *
   * @throws why it failed, or was cancelled
   */
  async next(): Promise<R | undefined> {
    try {
      const { done, value } = await this.#responses.next();
      if (!done) return value;
    } catch (error) {
      if (this.#failure === undefined && !this.#stands) throw error;
      this.#end(this.#failure ?? (await this.#calls.cut(this.#generation, error)));
    }
    if (this.#failure !== undefined) throw this.#failure;
    this.#release();
    return undefined;
  }

  /** Ends it at once, and what waits fails with the reason. Idempotent. */
  cancel(reason: Error): void {
    this.#end(reason);
    this.#over.abort(reason);
    // One that was never begun, or whose responses are not read, has nobody to end it.
    this.#responses.return(undefined).catch(() => {});
  }

  #end(failure: Error): void {
    this.#failure ??= failure;
    this.#release();
  }

  #release(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#generation.signal.removeEventListener('abort', this.#brokeDown);
    this.#feed.end();
    this.#onOver();
  }
}

/**
 * Makes such a call, and resolves with what `stand` makes of it: then it stands. Until then the
 * signal cancels it.
 *
 * @throws RemoteError, SessionLostError, ConnectionError, the reason of the signal
 *
 * @internal
 */
export function openCall<Q, R, T>(
  calls: SessionCalls,
  signal: AbortSignal | undefined,
  begin: BeginCall<Q, R>,
  stand: (call: NetworkCall<Q, R>, target: CallTarget) => Promise<T>,
): Promise<T> {
  return calls.call({ idempotent: false, signal }, async (target) => {
    const call = new NetworkCall(calls, target, begin);
    const given = target.options.signal;
    const abort = (): void => call.cancel(interrupted());
    given?.addEventListener('abort', abort, { once: true });
    if (given?.aborted) abort();
    try {
      const made = await stand(call, target);
      call.stands();
      return made;
    } catch (error) {
      call.cancel(error instanceof Error ? error : interrupted());
      throw error;
    } finally {
      given?.removeEventListener('abort', abort);
    }
  });
}

/** What cannot be gone on with over another connection ends with. */
function interrupted(): RunletClientError {
  return new RunletClientError('INTERRUPTED', 'the connection to the server broke');
}

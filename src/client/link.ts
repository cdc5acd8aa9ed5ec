import { randomUUID } from 'node:crypto';
import { durationMs } from '@bufbuild/protobuf/wkt';
import type { CallOptions } from '../bridge/types.ts';
import { AttachMode, type Session as SessionMessage } from '../gen/runlet/v1/session_pb.ts';
import { attachSession } from './attach-session.ts';
import { attemptOptions } from './attempt-options.ts';
import { Backoff } from './backoff.ts';
import type { Connection } from './connection.ts';
import { type Deferred, deferred } from './deferred.ts';
import { ConnectionError, type RemoteError, SessionLostError } from './errors.ts';
import { Generation } from './generation.ts';
import type { ClientSettings } from './options.ts';
import { Renewals } from './renewals.ts';
import type { SessionListener } from './session-listener.ts';
import { finalLoss, isClosed, isEnd, lostReason, ownDoing, windowPassed } from './session-loss.ts';
import { aborted, pause, within } from './waiting.ts';

/** How a link is made. */
export interface LinkOptions {
  readonly sessionId: string;
  readonly settings: ClientSettings;
  /** Opens a connection to the server. `stuck` is called when it cannot be made in time. */
  readonly open: (stuck: () => void) => Connection;
  /** Whether to attach: otherwise calls carry no attachment, and fence nobody. */
  readonly attach: boolean;
  /** What to do the first time if somebody else is attached. Later attempts resume. */
  readonly firstMode: AttachMode.TAKE_OVER | AttachMode.REJECT_IF_ATTACHED;
  /** How long an attached stream may be silent before it is taken for dead, in milliseconds. */
  readonly silenceMs: number;
  /** Told what happens in an attached session. */
  readonly listener: SessionListener;
}

/** What a link is. */
type LinkState =
  /** There is no connection, and one is being made. `since`: on the monotonic clock. */
  | { readonly kind: 'down'; readonly since: number }
  | { readonly kind: 'up'; readonly generation: Generation }
  /** It is over, and nothing leads out of here. */
  | { readonly kind: 'over'; readonly error: Error };

/** A generation that was in use for this long is taken for a success: pauses begin anew after it. */
const STABLE_MS = 1_000;

/** How long the attached stream has for its end, once a call has shown that the session is gone. */
const VERDICT_MS = 1_000;

/**
 * Keeps a session within reach: connects, attaches, and does both again when the
 * connection breaks, until the recovery window has passed or the server says that the
 * session is gone. There is one attempt at a time, and one generation of connections.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #backoff: Backoff;
  readonly #holderId = randomUUID();
  /** Attempts to attach so far. */
  #attempts = 0;
  readonly #renewals: Renewals;
  /** Whether the session was ever reached. */
  #reached = false;
  /** Known once the session is. */
  #windowMs: number;
  #state: LinkState;
  #ready: Deferred<Generation> = deferred();
  /** Ends a pause between two attempts. */
  readonly #over = new AbortController();
  readonly #onLost = new Set<(error: Error) => void>();
  #leaving = false;

  constructor(options: LinkOptions) {
    const { clock, connectTimeoutMs, initialBackoffMs, maxBackoffMs, random } = options.settings;
    this.#options = options;
    this.#backoff = new Backoff({ initialMs: initialBackoffMs, maxMs: maxBackoffMs, random });
    this.#renewals = new Renewals(options.settings);
    this.#windowMs = connectTimeoutMs;
    this.#state = { kind: 'down', since: clock.monotonic() };
    void this.#keep();
  }

  /** Why the session is over for this client; undefined: it is not. */
  get lost(): Error | undefined {
    return this.#state.kind === 'over' ? this.#state.error : undefined;
  }

  /** Whether there is a connection now. */
  get connected(): boolean {
    return this.#state.kind === 'up';
  }

  /** The recovery window, in milliseconds, once the session was reached. */
  get windowMs(): number {
    return this.#windowMs;
  }

  /** Calls back once it is over; at once if it is. Returns how to be left out. */
  onLost(callback: (error: Error) => void): () => void {
    if (this.lost !== undefined) callback(this.lost);
    else this.#onLost.add(callback);
    return () => this.#onLost.delete(callback);
  }

  /** This client is about to close the session: that it ends is no news. */
  leaving(): void {
    this.#leaving = true;
  }

  /**
   * The connections to use, as soon as there are any.
   *
   * @throws SessionLostError once it is over; ConnectionError if it was never reached
   */
  ready(): Promise<Generation> {
    return this.#ready.promise;
  }

  /** What every call on a generation carries, but for its signal. */
  async callOptions(): Promise<Pick<CallOptions, 'metadata'>> {
    const { sessionId, settings } = this.#options;
    return { metadata: { ...(await settings.metadata()), 'runlet-session-id': sessionId } };
  }

  /** A call on a generation did not come through: its connections are given up. */
  suspect(generation: Generation): void {
    this.#down(generation);
    generation.end();
  }

  /**
   * Whether a call on a generation was refused because the session is gone. If so the
   * link is over afterward, or the generation is, and the next attempt tells.
   *
   * @throws SessionLostError this client is closing the session
   */
  async refused(generation: Generation, error: RemoteError): Promise<boolean> {
    const reason = lostReason(error);
    if (reason === undefined || reason === 'server-shutdown') return false;
    // Fenced by our own next attachment, perhaps; the attempt at that tells.
    if (generation.signal.aborted) return true;
    const loss = new SessionLostError(reason, this.#options.sessionId, error);
    // The answer to the call that closes it is still to come.
    if (this.#leaving && isEnd(loss)) throw ownDoing(loss);
    // The attached stream is about to say what became of the session.
    if (reason === 'expired' && generation.attachmentId !== '') {
      await pause(VERDICT_MS, this.#options.settings.clock, generation.signal);
      if (generation.signal.aborted) return true;
    }
    this.end(loss);
    return true;
  }

  /** The server refused the credentials of a call. */
  credentialsRefused(error: RemoteError): void {
    this.end(new SessionLostError('credentials-refused', this.#options.sessionId, error));
  }

  /** The session is over for this client. Everything that waits fails. Idempotent. */
  end(error: Error): void {
    const before = this.#state;
    if (before.kind === 'over') return;
    this.#state = { kind: 'over', error };
    // Those who wait, and those who will ask.
    if (before.kind === 'up') this.#ready = deferred();
    this.#ready.reject(error);
    this.#over.abort();
    if (before.kind === 'up') before.generation.end();
    this.#options.listener.onLost(error);
    for (const callback of this.#onLost) callback(error);
    this.#onLost.clear();
  }

  /** Never rejects. */
  async #keep(): Promise<void> {
    const { clock } = this.#options.settings;
    while (this.#state.kind !== 'over') {
      const generation: Generation = new Generation(() =>
        this.#options.open(() => this.suspect(generation)),
      );
      const abort = (): void => generation.end();
      this.#over.signal.addEventListener('abort', abort, { once: true });
      const failure = await this.#live(generation);
      // The answer to the call that closes the session is still to come.
      if (this.#leaving && isClosed(failure)) await aborted(generation.signal);
      this.#over.signal.removeEventListener('abort', abort);
      generation.end();
      if (this.lost !== undefined) return;
      const final = finalLoss(failure, this.#options.sessionId, this.#reached);
      const upMs = clock.monotonic() - (generation.upSince ?? clock.monotonic());
      const again = this.#reached && this.#renewals.after(final, upMs);
      if (final !== undefined && !again) {
        this.end(this.#leaving && isEnd(final) ? ownDoing(final) : final);
        return;
      }
      this.#down(generation);
      if (upMs >= STABLE_MS) this.#backoff.reset();
      await this.#pause(failure);
    }
  }

  /** One life of a generation, from its making to its failure, which is returned. */
  async #live(generation: Generation): Promise<unknown> {
    try {
      if (this.#options.attach) await this.#attach(generation);
      else await this.#look(generation);
    } catch (error) {
      // Given up since a call did not come through: what became of the stream says nothing.
      return generation.signal.aborted ? new ConnectionError('a call failed', false, error) : error;
    }
    return new ConnectionError('the stream of the attached session ended', false);
  }

  /** Attaches, and reads the stream to its end. */
  async #attach(generation: Generation): Promise<void> {
    const { firstMode, listener, sessionId, settings, silenceMs } = this.#options;
    this.#attempts += 1;
    const { events, processes, session } = await attachSession(
      generation,
      {
        sessionId,
        mode: this.#reached ? AttachMode.RESUME : firstMode,
        holderId: this.#holderId,
        attempt: BigInt(this.#attempts),
      },
      {
        call: await attemptOptions(this.callOptions(), this.#attemptMs(), settings.clock),
        clock: settings.clock,
        attemptMs: this.#attemptMs(),
        silenceMs,
      },
    );
    if (generation.signal.aborted) throw new ConnectionError('the connection broke', false);
    // Told before those who waited go on: what they find then is up to date.
    listener.onAttached(processes);
    this.#up(generation, session);
    for await (const event of events) listener.onEvent(event);
  }

  /** Makes sure that the session is there, and waits until a call on the generation failed. */
  async #look(generation: Generation): Promise<void> {
    const { sessionId, settings } = this.#options;
    const { signal } = generation;
    const call = await attemptOptions(this.callOptions(), this.#attemptMs(), settings.clock);
    const { session } = await within(
      generation.control.sessions.getSession({ sessionId }, { ...call, signal }),
      this.#attemptMs(),
      settings.clock,
      'no answer came',
    );
    this.#up(generation, session);
    await aborted(signal);
  }

  #up(generation: Generation, session: SessionMessage | undefined): void {
    if (this.#state.kind !== 'down') return;
    if (this.#reached) this.#tell(true);
    this.#reached = true;
    generation.upSince = this.#options.settings.clock.monotonic();
    const ttlMs = session?.detachedTtl === undefined ? 0 : durationMs(session.detachedTtl);
    this.#windowMs = this.#options.settings.windowMs ?? ttlMs;
    this.#state = { kind: 'up', generation };
    this.#ready.resolve(generation);
  }

  /** A generation is no longer used: who needs one waits for the next. */
  #down(generation: Generation): void {
    if (this.#state.kind !== 'up' || this.#state.generation !== generation) return;
    this.#state = { kind: 'down', since: this.#options.settings.clock.monotonic() };
    this.#ready = deferred();
    this.#tell(false);
  }

  /** Whatever the program does then must not get in the way of what is done here. */
  #tell(connected: boolean): void {
    const { sessionId, settings } = this.#options;
    queueMicrotask(() => settings.onConnectionChange(connected, sessionId));
  }

  /** Waits before the next attempt, or ends the link if there is no time for one. */
  async #pause(failure: unknown): Promise<void> {
    if (this.#state.kind !== 'down') return;
    const { clock } = this.#options.settings;
    const remainingMs = this.#remainingMs(this.#state.since);
    if (remainingMs <= 0) {
      this.end(windowPassed(failure, this.#options.sessionId, this.#reached));
      return;
    }
    await pause(Math.min(this.#backoff.next(), remainingMs), clock, this.#over.signal);
  }

  #remainingMs(since: number): number {
    return since + this.#windowMs - this.#options.settings.clock.monotonic();
  }

  /** How long an attempt may take: not beyond the window, but for one that begins in it. */
  #attemptMs(): number {
    const { attemptTimeoutMs } = this.#options.settings;
    if (this.#state.kind !== 'down' || !this.#reached) return attemptTimeoutMs;
    return Math.max(1, Math.min(attemptTimeoutMs, this.#remainingMs(this.#state.since)));
  }
}

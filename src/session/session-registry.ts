import type { Clock } from '../clock.ts';
import { limitExceeded, RunletError } from '../errors.ts';
import { type Limits, MAX_TOMBSTONES } from '../limits.ts';
import type { EndReason } from '../output/event.ts';
import type { ProcessHost } from '../process/process-host.ts';
import { Tombstones } from '../tombstones.ts';
import { Session } from './session.ts';
import type { SessionEnd } from './session-state.ts';

/** What a registry is made with. */
export interface SessionRegistryOptions {
  readonly host: ProcessHost;
  readonly clock: Clock;
  readonly limits: Limits;
  /** Makes an unpredictable UUID. */
  readonly newId: () => string;
}

/** Asks for a session. */
export interface CreateSessionOptions {
  /** A UUID in lower case; undefined: one is made. */
  readonly id: string | undefined;
  readonly labels: ReadonlyMap<string, string>;
  readonly detachedTtlMs: number;
}

/** Why the processes of a session end with it. */
const PROCESS_END: Readonly<Record<SessionEnd, EndReason>> = {
  closed: 'session-closed',
  expired: 'session-expired',
  draining: 'server-shutdown',
};

/** The sessions of the server. */
export class SessionRegistry {
  readonly #options: SessionRegistryOptions;
  readonly #sessions = new Map<string, Session>();
  /** Ends of sessions that are under way. */
  readonly #ending = new Map<string, Promise<void>>();
  readonly #closedIds = new Tombstones(MAX_TOMBSTONES);
  #nextOrdinal = 1;
  #draining = false;
  #drained = false;

  constructor(options: SessionRegistryOptions) {
    this.#options = options;
  }

  /** How many there are. */
  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Creates a session, or returns the one with this id.
   *
   * @throws RunletError `LIMIT_EXCEEDED`, `DRAINING`
   */
  create({ detachedTtlMs, id, labels }: CreateSessionOptions): Session {
    const existing = id === undefined ? undefined : this.#find(id);
    if (existing !== undefined) return existing;
    const { clock, host, limits, newId } = this.#options;
    host.assertAccepting();
    if (this.#sessions.size >= limits.maxSessions) {
      throw limitExceeded('max_sessions', limits.maxSessions);
    }
    const session: Session = new Session({
      id: id ?? newId(),
      labels,
      detachedTtlMs,
      ordinal: this.#nextOrdinal++,
      host,
      clock,
      newId,
      onExpired: () => void this.#end(session, 'expired'),
    });
    this.#sessions.set(session.id, session);
    return session;
  }

  /** Whether the server is shutting down. */
  get draining(): boolean {
    return this.#draining;
  }

  /** @throws RunletError `SESSION_NOT_FOUND`, `DRAINING` once all were ended for that */
  get(id: string): Session {
    const session = this.#find(id);
    if (session !== undefined) return session;
    if (this.#drained) this.#options.host.assertAccepting();
    throw new RunletError('SESSION_NOT_FOUND');
  }

  /** Sessions in the order of their creation, after the place `after`. */
  *list(after: number): Generator<Session> {
    for (const session of this.#sessions.values()) {
      if (session.ordinal > after && !session.expired) yield session;
    }
  }

  /**
   * Closes a session: its id is unknown at once, and its processes are ended.
   * Resolves when they are. Again, for one that was closed: resolves too.
   *
   * @throws RunletError `SESSION_NOT_FOUND` if there never was one, or it expired
   */
  async close(id: string): Promise<void> {
    const session = this.#find(id);
    if (session !== undefined) {
      this.#closedIds.add(id);
      await this.#end(session, 'closed');
      return;
    }
    if (!this.#closedIds.has(id)) throw new RunletError('SESSION_NOT_FOUND');
    // A retry waits for what the first call began.
    await this.#ending.get(id);
  }

  /** Tells whoever is attached that the server is shutting down. */
  announceDraining(): void {
    this.#draining = true;
    for (const session of this.#sessions.values()) session.deliver({ kind: 'draining' });
  }

  /** Ends every session for good, since the server shuts down. */
  async drain(): Promise<void> {
    this.#drained = true;
    for (const session of this.#sessions.values()) void this.#end(session, 'draining');
    await Promise.all(this.#ending.values());
  }

  /** The session with an id. One whose time is over is none, and is ended now. */
  #find(id: string): Session | undefined {
    const session = this.#sessions.get(id);
    if (!session?.expired) return session;
    void this.#end(session, 'expired');
    return undefined;
  }

  /** Never rejects. */
  async #end(session: Session, cause: SessionEnd): Promise<void> {
    if (this.#sessions.get(session.id) !== session) return;
    this.#sessions.delete(session.id);
    session.end(cause);
    // The id may have been used before, by a session whose end is still under way.
    const earlier = this.#ending.get(session.id);
    const ending = session.processes.close(PROCESS_END[cause]).then(() => earlier);
    this.#ending.set(session.id, ending);
    await ending;
    if (this.#ending.get(session.id) === ending) this.#ending.delete(session.id);
  }
}

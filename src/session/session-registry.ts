import type { Clock } from '../clock.ts';
import { limitExceeded, RunletError } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';
import { type Limits, MAX_TOMBSTONES } from '../limits.ts';
import type { EndReason } from '../output/event.ts';
import { type PrincipalLimits, principalLimits } from '../policy/principal-limits.ts';
import type { ProcessHost } from '../process/process-host.ts';
import type { Gauges } from '../telemetry/meter.ts';
import { Tombstones } from '../tombstones.ts';
import { Session } from './session.ts';
import type { SessionEnd } from './session-state.ts';

/** What a registry is made with. */
export interface SessionRegistryOptions {
  readonly host: ProcessHost;
  readonly clock: Clock;
  readonly limits: Limits;
  /** Default: what `limits` says, of each. */
  readonly principals?: PrincipalLimits;
  /** Makes an unpredictable UUID. */
  readonly newId: () => string;
  /** Told of each session that is over, once. Default: nobody is. */
  readonly onEnded?: (session: Session, cause: SessionEnd) => void;
  /** Told how many there are, each time that changes. Default: nobody is. */
  readonly onCount?: (count: number) => void;
}

/** Asks for a session. */
export interface CreateSessionOptions {
  /** A UUID in lower case; undefined: one is made. */
  readonly id: string | undefined;
  /** The name of the principal that it will belong to. */
  readonly owner: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly detachedTtlMs: number;
}

/** What is known of who asks for a session. To all but its owner it does not exist. */
export type SessionCaller = Pick<Principal, 'grants' | 'name' | 'sessionId'>;

/** What belongs to one principal. */
interface Owned {
  /** In the order of their creation. */
  readonly sessions: Set<Session>;
  nextOrdinal: number;
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
  readonly #principals: PrincipalLimits;
  readonly #sessions = new Map<string, Session>();
  /** Ends of sessions that are under way. */
  readonly #ending = new Map<string, Promise<void>>();
  /** By the names of their owners, who have some. */
  readonly #owned = new Map<string, Owned>();
  /** The owner and the id of each. */
  readonly #closed = new Tombstones(MAX_TOMBSTONES);
  #nextOrdinal = 1;
  #draining = false;
  #drained = false;

  constructor(options: SessionRegistryOptions) {
    this.#options = options;
    this.#principals = options.principals ?? principalLimits(options.limits);
  }

  /** How many there are. */
  get size(): number {
    return this.#sessions.size;
  }

  /** How many of them calls name, or have named not longer ago than this, or have processes that run. */
  needed(withinMs: number): number {
    let count = 0;
    for (const { idleMs, processes } of this.#sessions.values()) {
      if (idleMs <= withinMs || processes.areUnderWay) count += 1;
    }
    return count;
  }

  /** How many processes they have. */
  get processes(): number {
    let count = 0;
    for (const { processes } of this.#sessions.values()) count += processes.size;
    return count;
  }

  /** All of them, in the order of their creation. */
  *all(): Generator<Session> {
    for (const session of this.#sessions.values()) if (!session.expired) yield session;
  }

  /** How many there are, by what they are. */
  states(): Gauges['sessions'] {
    let attached = 0;
    for (const session of this.#sessions.values()) if (session.attached) attached += 1;
    return { attached, detached: this.size - attached };
  }

  /** How many principals have some. */
  get owners(): number {
    return this.#owned.size;
  }

  /**
   * Creates a session, or returns the one with this id.
   *
   * @throws RunletError `LIMIT_EXCEEDED`, `DRAINING`; `SESSION_EXISTS` if it is another's
   */
  create({ detachedTtlMs, id, labels, owner }: CreateSessionOptions): Session {
    const existing = id === undefined ? undefined : this.#find(id);
    if (existing?.owner === owner) return existing;
    if (existing !== undefined) throw new RunletError('SESSION_EXISTS');
    const { clock, host, limits, newId } = this.#options;
    host.assertAccepting();
    if (this.#sessions.size >= limits.maxSessions) {
      throw limitExceeded('max_sessions', limits.maxSessions);
    }
    const { maxPrincipalSessions } = this.#principals.of(owner);
    if ((this.#owned.get(owner)?.sessions.size ?? 0) >= maxPrincipalSessions) {
      throw limitExceeded('max_principal_sessions', maxPrincipalSessions);
    }
    const owned = this.#ownedBy(owner);
    const session: Session = new Session({
      id: id ?? newId(),
      owner,
      labels,
      detachedTtlMs,
      ordinal: owned.nextOrdinal++,
      ordinalOfAll: this.#nextOrdinal++,
      host,
      maxProcessWatchers: limits.maxProcessWatchers,
      clock,
      newId,
      onExpired: () => void this.#end(session, 'expired'),
    });
    this.#sessions.set(session.id, session);
    owned.sessions.add(session);
    this.#options.onCount?.(this.#sessions.size);
    return session;
  }

  /** Whether the server is shutting down. */
  get draining(): boolean {
    return this.#draining;
  }

  /**
   * A session of the caller's.
   *
   * @throws RunletError `SESSION_NOT_FOUND`, `DRAINING` once all were ended for that
   */
  get(id: string, caller: SessionCaller): Session {
    const session = this.#find(id);
    if (session !== undefined && isFor(session, caller)) return session;
    if (this.#drained) this.#options.host.assertAccepting();
    throw new RunletError('SESSION_NOT_FOUND');
  }

  /**
   * The caller's sessions, or all where it may see them, in the order of their creation, after the
   * place `after`. It takes as long as the caller has sessions, whatever others have.
   */
  *list(caller: SessionCaller, after: number): Generator<Session> {
    const listed = caller.grants.has('admin')
      ? this.#sessions.values()
      : (this.#owned.get(caller.name)?.sessions ?? []);
    for (const session of listed) {
      if (caller.sessionId !== undefined && session.id !== caller.sessionId) continue;
      if (this.placeOf(session, caller) > after && !session.expired) yield session;
    }
  }

  /** The place of a session in the caller's list: it tells nothing of what others have. */
  placeOf(session: Session, { grants }: SessionCaller): number {
    return grants.has('admin') ? session.ordinalOfAll : session.ordinal;
  }

  /**
   * Closes a session: its id is unknown at once, and its processes are ended.
   * Resolves when they are. Again, for one that was closed: resolves too.
   *
   * @throws RunletError `SESSION_NOT_FOUND` if the caller never had one, or it expired
   */
  async close(id: string, caller: SessionCaller): Promise<void> {
    const session = this.#find(id);
    if (session !== undefined && mayClose(session, caller)) {
      this.#closed.add(closedName(session.owner, id));
      // Whoever closed it may ask again.
      this.#closed.add(closedName(caller.name, id));
      await this.#end(session, 'closed');
      return;
    }
    const may = caller.sessionId === undefined || caller.sessionId === id;
    if (!(may && this.#closed.has(closedName(caller.name, id)))) {
      throw new RunletError('SESSION_NOT_FOUND');
    }
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

  #ownedBy(owner: string): Owned {
    const owned = this.#owned.get(owner) ?? { sessions: new Set(), nextOrdinal: 1 };
    this.#owned.set(owner, owned);
    return owned;
  }

  #disown(session: Session): void {
    const owned = this.#owned.get(session.owner);
    owned?.sessions.delete(session);
    if (owned?.sessions.size === 0) this.#owned.delete(session.owner);
  }

  /** Never rejects. */
  async #end(session: Session, cause: SessionEnd): Promise<void> {
    if (this.#sessions.get(session.id) !== session) return;
    this.#sessions.delete(session.id);
    this.#disown(session);
    this.#options.onCount?.(this.#sessions.size);
    if (cause === 'expired') this.#options.host.meter.expired();
    session.end(cause);
    this.#options.onEnded?.(session, cause);
    // The id may have been used before, by a session whose end is still under way.
    const earlier = this.#ending.get(session.id);
    const ending = session.processes.close(PROCESS_END[cause]).then(() => earlier);
    this.#ending.set(session.id, ending);
    await ending;
    if (this.#ending.get(session.id) === ending) this.#ending.delete(session.id);
  }
}

/** Whether a session exists, for a caller. */
function isFor(session: Session, { name, sessionId }: SessionCaller): boolean {
  return session.owner === name && (sessionId === undefined || sessionId === session.id);
}

function mayClose(session: Session, caller: SessionCaller): boolean {
  if (isFor(session, caller)) return true;
  return caller.grants.has('admin') && caller.sessionId === undefined;
}

function closedName(owner: string, id: string): string {
  return `${id} ${owner}`;
}

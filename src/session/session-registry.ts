import type { Clock } from '../clock.ts';
import { limitExceeded, RunletError } from '../errors.ts';
import { type Limits, MAX_TOMBSTONES } from '../limits.ts';
import type { ProcessHost } from '../process/process-host.ts';
import { ProcessTable } from '../process/process-table.ts';
import { Tombstones } from '../tombstones.ts';
import type { Session } from './session.ts';

/** What a registry is made with. */
export interface SessionRegistryOptions {
  readonly host: ProcessHost;
  readonly clock: Clock;
  readonly limits: Limits;
  /** Makes an unpredictable UUID. */
  readonly newId: () => string;
}

/** The sessions of the server. */
export class SessionRegistry {
  readonly #options: SessionRegistryOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #closing = new Map<string, Promise<void>>();
  readonly #closedIds = new Tombstones(MAX_TOMBSTONES);
  #nextOrdinal = 1;

  constructor(options: SessionRegistryOptions) {
    this.#options = options;
  }

  /**
   * Creates a session, or returns the one with this id.
   *
   * @throws RunletError `LIMIT_EXCEEDED`, `DRAINING`
   */
  create(id: string | undefined, labels: ReadonlyMap<string, string>): Session {
    const existing = id === undefined ? undefined : this.#sessions.get(id);
    if (existing !== undefined) return existing;
    const { clock, host, limits, newId } = this.#options;
    host.assertAccepting();
    if (this.#sessions.size >= limits.maxSessions) {
      throw limitExceeded('max_sessions', limits.maxSessions);
    }
    const session: Session = {
      id: id ?? newId(),
      createTime: clock.now(),
      labels,
      processes: new ProcessTable({ host, clock, newId }),
      ordinal: this.#nextOrdinal++,
    };
    this.#sessions.set(session.id, session);
    return session;
  }

  /** @throws RunletError `SESSION_NOT_FOUND` */
  get(id: string): Session {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new RunletError('SESSION_NOT_FOUND');
    return session;
  }

  /** Sessions in the order of their creation, after the place `after`. */
  *list(after: number): Generator<Session> {
    for (const session of this.#sessions.values()) {
      if (session.ordinal > after) yield session;
    }
  }

  /**
   * Closes a session: its id is unknown at once, and its processes are ended.
   * Resolves when they are. Again, for one that was closed: resolves too.
   *
   * @throws RunletError `SESSION_NOT_FOUND` if there never was one
   */
  async close(id: string): Promise<void> {
    const session = this.#sessions.get(id);
    if (session === undefined) {
      if (!this.#closedIds.has(id)) throw new RunletError('SESSION_NOT_FOUND');
      // A retry waits for what the first call began.
      await this.#closing.get(id);
      return;
    }
    this.#sessions.delete(id);
    this.#closedIds.add(id);
    const closing = session.processes.close();
    this.#closing.set(id, closing);
    try {
      await closing;
    } finally {
      if (this.#closing.get(id) === closing) this.#closing.delete(id);
    }
  }

  /** Closes every session, at once and for good. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.#sessions.keys()].map((id) => this.close(id)));
  }
}

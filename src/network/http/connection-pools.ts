import type { Clock, Timer } from '../../clock.ts';
import { MAX_IDLE_CONNECTIONS, MAX_SESSION_IDLE_CONNECTIONS } from '../../limits.ts';
import type { DialOptions } from '../dialer.ts';
import type { Connected, HttpConnector } from './connector.ts';
import type { ConnectionEvents, HttpConnection } from './http-connection.ts';
import { Http1Connection } from './http1-connection.ts';
import { Http2Connection } from './http2-connection.ts';

/** A session, or what else has connections of its own. */
export interface PoolOwner {
  /** Calls back when it is over; not any more once what is returned was called. */
  whenOver(callback: () => void): () => void;
}

/** The connections of one session. */
interface Pool {
  /** Looks no longer for its end. */
  readonly forget: () => void;
  /** Those that stand, by their origins. */
  readonly origins: Map<string, Set<HttpConnection>>;
  /** Those that nothing is under way over, the longest so first. */
  readonly idle: Set<HttpConnection>;
}

/** The connections over which requests are sent, apart for each session. */
export class ConnectionPools {
  readonly #connect: HttpConnector;
  readonly #clock: Clock;
  readonly #pools = new Map<PoolOwner, Pool>();
  /** The idle ones of all sessions, the longest so first, and what ends each. */
  readonly #idle = new Map<HttpConnection, Timer>();

  constructor(connect: HttpConnector, clock: Clock) {
    this.#connect = connect;
    this.#clock = clock;
  }

  /**
   * A connection for requests to a URL, claimed: one that stands, or else a new one.
   *
   * @throws what the connector throws
   */
  async take(session: PoolOwner, url: URL, options: DialOptions): Promise<HttpConnection> {
    const found = await this.#find(session, url.origin);
    if (found !== undefined) {
      if (!options.signal.aborted) return found;
      found.unclaim();
      options.signal.throwIfAborted();
    }
    const connected = await this.#connect(url, options);
    if (options.signal.aborted) {
      connected.socket.destroy();
      options.signal.throwIfAborted();
    }
    const connection = this.#add(session, url, connected);
    connection.claim();
    return connection;
  }

  /** Ends the connections of a session. */
  #end(session: PoolOwner): void {
    const pool = this.#pools.get(session);
    if (pool === undefined) return;
    this.#pools.delete(session);
    pool.forget();
    for (const connections of pool.origins.values()) {
      for (const connection of [...connections]) connection.destroy();
    }
  }

  /** One that stands still when all that has come was looked at: it may have been ended. */
  async #find(session: PoolOwner, origin: string): Promise<HttpConnection | undefined> {
    for (;;) {
      const connections = this.#pools.get(session)?.origins.get(origin) ?? new Set();
      // What was used last is the likeliest to stand.
      const found = [...connections].findLast(({ available }) => available);
      if (found === undefined) return undefined;
      found.claim();
      await new Promise((resolve) => setImmediate(resolve));
      if (found.alive) return found;
      found.unclaim();
    }
  }

  #add(session: PoolOwner, url: URL, connected: Connected): HttpConnection {
    const pool = this.#pools.get(session) ?? this.#open(session);
    const connections = pool.origins.get(url.origin) ?? new Set<HttpConnection>();
    pool.origins.set(url.origin, connections);
    const events: ConnectionEvents = {
      onIdle: (connection, keepMs) => this.#keep(pool, connection, keepMs),
      onBusy: (connection) => this.#use(pool, connection),
      onGone: (connection) => {
        this.#use(pool, connection);
        connections.delete(connection);
        if (connections.size === 0 && pool.origins.get(url.origin) === connections) {
          pool.origins.delete(url.origin);
        }
        if (pool.origins.size === 0 && this.#pools.get(session) === pool) {
          this.#pools.delete(session);
          pool.forget();
        }
      },
    };
    const connection =
      connected.protocol === 'h2'
        ? new Http2Connection(connected.socket, url, events)
        : new Http1Connection(connected.socket, events);
    connections.add(connection);
    return connection;
  }

  #open(session: PoolOwner): Pool {
    const forget = session.whenOver(() => this.#end(session));
    const pool: Pool = { forget, origins: new Map(), idle: new Set() };
    this.#pools.set(session, pool);
    return pool;
  }

  #keep(pool: Pool, connection: HttpConnection, keepMs: number): void {
    this.#use(pool, connection);
    pool.idle.add(connection);
    this.#idle.set(
      connection,
      this.#clock.setTimer(keepMs, () => connection.destroy()),
    );
    const [oldest] = pool.idle;
    if (pool.idle.size > MAX_SESSION_IDLE_CONNECTIONS) oldest?.destroy();
    const [oldestOfAll] = this.#idle.keys();
    if (this.#idle.size > MAX_IDLE_CONNECTIONS) oldestOfAll?.destroy();
  }

  #use(pool: Pool, connection: HttpConnection): void {
    pool.idle.delete(connection);
    this.#idle.get(connection)?.cancel();
    this.#idle.delete(connection);
  }
}

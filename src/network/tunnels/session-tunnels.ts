import type { Socket } from 'node:net';
import { limitExceeded, RunletError } from '../../errors.ts';
import { MAX_SESSION_LISTENERS, MAX_SESSION_TUNNELS } from '../../limits.ts';

/** A connection of a listener that waits to be taken over. */
export interface WaitingConnection {
  /** Paused, with half-open ends allowed. */
  readonly socket: Socket;
  /** `host:port`. */
  readonly peer: string;
  /** Called when it is taken: it is the taker's now. */
  taken(): void;
}

/** The connections and listeners of one session: how many there are, and which wait. */
export class SessionTunnels {
  readonly #waiting = new Map<string, WaitingConnection>();
  #tunnels = 0;
  #listeners = 0;

  /**
   * Counts a connection; what is returned counts it no more.
   *
   * @throws RunletError `LIMIT_EXCEEDED`
   */
  countTunnel(): () => void {
    if (this.#tunnels + this.#waiting.size >= MAX_SESSION_TUNNELS) {
      throw limitExceeded('max_session_tunnels', MAX_SESSION_TUNNELS);
    }
    this.#tunnels++;
    return () => void this.#tunnels--;
  }

  /**
   * Counts a listener, in the same way.
   *
   * @throws RunletError `LIMIT_EXCEEDED`
   */
  countListener(): () => void {
    if (this.#listeners >= MAX_SESSION_LISTENERS) {
      throw limitExceeded('max_session_listeners', MAX_SESSION_LISTENERS);
    }
    this.#listeners++;
    return () => void this.#listeners--;
  }

  /** Lets a connection be taken over by its id. False: there are too many. */
  offer(id: string, connection: WaitingConnection): boolean {
    if (this.#tunnels + this.#waiting.size >= MAX_SESSION_TUNNELS) return false;
    this.#waiting.set(id, connection);
    return true;
  }

  /** It can be taken over no more. */
  withdraw(id: string): void {
    this.#waiting.delete(id);
  }

  /**
   * Takes over a connection: nobody else can.
   *
   * @throws RunletError `CONNECTION_NOT_FOUND`
   */
  take(id: string): WaitingConnection {
    const connection = this.#waiting.get(id);
    if (connection === undefined) throw new RunletError('CONNECTION_NOT_FOUND');
    this.#waiting.delete(id);
    connection.taken();
    return connection;
  }
}

/** Tells of the connections of each session. They are forgotten with it. */
export function sessionTunnels(): (session: object) => SessionTunnels {
  const known = new WeakMap<object, SessionTunnels>();
  return (session) => {
    const tunnels = known.get(session) ?? new SessionTunnels();
    known.set(session, tunnels);
    return tunnels;
  };
}

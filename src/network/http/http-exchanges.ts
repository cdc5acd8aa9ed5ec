import type { Clock } from '../../clock.ts';
import { limitExceeded } from '../../errors.ts';
import { MAX_SESSION_HTTP_REQUESTS } from '../../limits.ts';
import type { Asker } from '../../turn-queue.ts';
import { ConnectionPools, type PoolOwner } from './connection-pools.ts';
import type { HttpConnector } from './connector.ts';
import { exchange } from './exchange.ts';
import type { HttpExchangeRequest, HttpMessage } from './http-message.ts';

/** Who asks, and how it is told. */
export interface HttpCaller {
  readonly asker: Asker;
  /** Whose connections are used. */
  readonly session: PoolOwner;
  /** Ends it at once, on the wire too. */
  readonly signal: AbortSignal;
  /** Called with what ends it while nobody waits for a part. */
  fail(error: unknown): void;
}

/** The HTTP requests of a server, and their connections. */
export class HttpExchanges {
  readonly #clock: Clock;
  readonly #pools: ConnectionPools;
  readonly #underWay = new Map<PoolOwner, number>();

  constructor(connect: HttpConnector, clock: Clock) {
    this.#clock = clock;
    this.#pools = new ConnectionPools(connect, clock);
  }

  /**
   * Sends a request. What is returned has the parts of its answer, each when it is asked for; it
   * has to be iterated or the signal to abort.
   *
   * @throws RunletError `INVALID_REQUEST`, `EGRESS_DENIED`, `HTTP_FAILED`, `LIMIT_EXCEEDED`; the
   *   signal's reason where that aborts; what `pieces` throw
   */
  async *exchange(request: HttpExchangeRequest, caller: HttpCaller): AsyncGenerator<HttpMessage> {
    const { session } = caller;
    const count = this.#underWay.get(session) ?? 0;
    if (count >= MAX_SESSION_HTTP_REQUESTS) {
      throw limitExceeded('max_session_http_requests', MAX_SESSION_HTTP_REQUESTS);
    }
    this.#underWay.set(session, count + 1);
    try {
      yield* exchange(request, { caller, clock: this.#clock, pools: this.#pools });
    } finally {
      const rest = (this.#underWay.get(session) ?? 1) - 1;
      if (rest === 0) this.#underWay.delete(session);
      else this.#underWay.set(session, rest);
    }
  }
}

import { setTimeout } from 'node:timers/promises';
import {
  ConnectionError,
  type RemoteSession,
  type RunletClient,
  SessionLostError,
} from '../client/index.ts';
import { unlessAborted } from '../client/waiting.ts';
import { findSession } from './find-process.ts';

/** How long a session that was made for this command lives if it is gone, in milliseconds. */
const ORPHAN_MS = 60_000;

/** How long the closing of a session may take, in milliseconds. */
const CLOSE_MS = 1_000;

/** The pause before a session is made anew where there is no connection, in milliseconds. */
const PAUSE_MS = 250;

/** A session through which this command reaches what the server's machine reaches. */
export interface NetworkSession {
  /** The session that there is, or will be: a server that was started anew knows none of before. */
  current(): Promise<RemoteSession>;
  /** Resolves with why there is none any more, nor will be. */
  readonly over: Promise<unknown>;
}

/** Which session, and for how long it is tried. */
export interface NetworkSessionOptions {
  /** That which is named. Default: one of its own. */
  readonly named?: string | undefined;
  /** How long one of its own is made anew where the server cannot be reached, in milliseconds. */
  readonly reconnectMs: number;
  /** Gives up what is not there yet: a server that says nothing. */
  readonly signal: AbortSignal;
}

/**
 * Does something through the session that is named, or through one of its own, which is closed
 * after it. One of its own is made anew where the server has forgotten it. One that is being made when
 * the signal aborts expires.
 */
export async function withNetworkSession<T>(
  client: RunletClient,
  address: string,
  { named, reconnectMs, signal }: NetworkSessionOptions,
  use: (session: NetworkSession) => Promise<T>,
): Promise<T> {
  if (named !== undefined) {
    const session = await unlessAborted(namedSession(client, address, named), signal);
    return use({ current: async () => session, over: session.lost });
  }
  const own = new OwnSession(client, await unlessAborted(makeSession(client), signal), reconnectMs);
  try {
    return await use(own);
  } finally {
    await own.close();
  }
}

async function namedSession(
  client: RunletClient,
  address: string,
  named: string,
): Promise<RemoteSession> {
  const id = await findSession(client, address, { session: named });
  return client.session({ id, ifAttached: 'share' });
}

function makeSession(client: RunletClient): Promise<RemoteSession> {
  return client.session({ detachedTtlMs: ORPHAN_MS });
}

class OwnSession implements NetworkSession {
  readonly over: Promise<unknown>;
  readonly #client: RunletClient;
  readonly #reconnectMs: number;
  #current: Promise<RemoteSession>;
  #end: (why: unknown) => void = () => {};
  #closed = false;

  constructor(client: RunletClient, first: RemoteSession, reconnectMs: number) {
    this.#client = client;
    this.#reconnectMs = reconnectMs;
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#current = Promise.resolve(first);
    this.#watch(first);
  }

  current(): Promise<RemoteSession> {
    return this.#current;
  }

  /** One that cannot be closed expires. */
  async close(): Promise<void> {
    this.#closed = true;
    const closed = this.#current.then((session) => session.close()).catch(() => {});
    await Promise.race([closed, setTimeout(CLOSE_MS, undefined, { ref: false })]);
  }

  #watch(session: RemoteSession): void {
    void session.lost.then((why) => {
      if (this.#closed) return;
      if (!isForgotten(why)) {
        this.#end(why);
        return;
      }
      this.#current = this.#again();
      this.#current.then(
        (made) => this.#watch(made),
        (error) => this.#end(error),
      );
    });
  }

  async #again(): Promise<RemoteSession> {
    const until = performance.now() + this.#reconnectMs;
    for (;;) {
      try {
        return await makeSession(this.#client);
      } catch (error) {
        const mayPass = error instanceof ConnectionError || isForgotten(error);
        if (!mayPass || this.#closed || performance.now() >= until) throw error;
      }
      await setTimeout(PAUSE_MS);
    }
  }
}

/** Whether a session is gone since its server was started anew, or was out of reach for long. */
export function isForgotten(why: unknown): boolean {
  return (
    why instanceof SessionLostError &&
    (why.reason === 'expired' || why.reason === 'server-shutdown')
  );
}

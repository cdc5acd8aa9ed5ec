import { setMaxListeners } from 'node:events';
import type { Connection } from './connection.ts';

/**
 * The connections that a session has at a time. When one of them breaks both are given
 * up, and the session gets others: what was under way on them was fenced or is lost.
 *
 * Output has a connection of its own: an HTTP/2 session of Node.js reads nothing while
 * a write of its own waits (https://github.com/nodejs/node/pull/29399), so much data in
 * both directions of one connection can make both ends wait for each other.
 */
export class Generation {
  /** For everything but output and uploads. */
  readonly control: Connection;
  readonly #open: () => Connection;
  #output: Connection | undefined;
  #uploads: Connection | undefined;
  #network: Connection | undefined;
  readonly #over = new AbortController();
  /** What calls made on it carry; empty for a session that is not attached. */
  attachmentId = '';
  /** When it came into use, on the monotonic clock; undefined: it has not. */
  upSince: number | undefined;

  constructor(open: () => Connection) {
    this.control = open();
    this.#open = open;
    // One listener for each call under way.
    setMaxListeners(0, this.#over.signal);
  }

  /** For streams of events, and of files from the server; opened when it is first needed. */
  get output(): Connection {
    this.#output ??= this.#open();
    return this.#output;
  }

  /** For streams of files to the server, behind which nothing else is to wait; opened like that. */
  get uploads(): Connection {
    this.#uploads ??= this.#open();
    return this.#uploads;
  }

  /** For what goes through the server to others, and comes from them; opened like that. */
  get network(): Connection {
    this.#network ??= this.#open();
    return this.#network;
  }

  /** Aborts when it is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Ends every call on it, and the connections. Idempotent. */
  end(): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.control.close();
    this.#output?.close();
    this.#uploads?.close();
    this.#network?.close();
  }
}

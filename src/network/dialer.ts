import type { Socket } from 'node:net';
import type { Asker } from '../turn-queue.ts';
import type { DialTarget } from './dial-target.ts';

/** How a connection is to be made. */
export interface DialOptions {
  /** Who asks: names are looked up in turns. */
  readonly asker: Asker;
  /** Milliseconds that it may take with all that belongs to it, looking up included. */
  readonly timeoutMs: number;
  /** Gives up, at once. */
  readonly signal: AbortSignal;
}

/** A connection that stands. */
export interface Dialed {
  /** Paused, half-open ends allowed, without Nagle's algorithm. */
  readonly socket: Socket;
  /** The address that it leads to, which the policy allowed. */
  readonly address: string;
}

/** Makes connections to where the operator allows. */
export interface Dialer {
  /**
   * Looks up a name, asks whether what it led to may be reached, and connects to that very
   * address.
   *
   * @throws DialError; the signal's reason where that aborts
   */
  dial(target: DialTarget, options: DialOptions): Promise<Dialed>;
}

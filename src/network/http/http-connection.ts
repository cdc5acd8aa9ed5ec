import type { Readable } from 'node:stream';
import type { HttpField } from './http-message.ts';

/** What is sent first of a request. */
export interface WireHead {
  readonly method: string;
  readonly url: URL;
  /** In order, `host` and what frames the body included. */
  readonly fields: readonly HttpField[];
  /** Whether anything follows: false where the body is empty. */
  readonly hasBody: boolean;
}

/** An answer that has begun. */
export interface WireAnswer {
  readonly status: number;
  readonly version: string;
  readonly fields: readonly HttpField[];
  /** Its body, which ends also where it was cut. */
  readonly body: Readable;
  /** When `body` has ended: what cut it; undefined: it is whole. */
  cut(): Error | undefined;
  /** When it is whole: what followed it. */
  trailers(): readonly HttpField[];
}

/** A request on its way over a connection, and its answer. */
export interface WireExchange {
  /**
   * When the head of the answer is there.
   *
   * @throws what ended the connection, or says that it had to be
   */
  readonly answer: Promise<WireAnswer>;
  /**
   * Sends the head where it was not yet, and a piece, which may be empty.
   *
   * @returns when there is room for more; false: nothing is sent any more
   */
  write(piece: Uint8Array): Promise<boolean>;
  /**
   * The request is whole.
   *
   * @returns when it was handed to the system; false: nothing is sent any more
   */
  end(): Promise<boolean>;
  /** It is over: the connection may be used again where both are whole, and ends otherwise. */
  release(): void;
}

/** A connection over which requests are sent. */
export interface HttpConnection {
  /** Whether it stands, as far as is known. */
  readonly alive: boolean;
  /** Whether one more may claim it. */
  readonly available: boolean;
  /** Keeps it for one exchange. */
  claim(): void;
  /** Gives it back without one. */
  unclaim(): void;
  /** Sends a request over it, for which it was claimed. */
  begin(head: WireHead): WireExchange;
  /** Ends it, with all that is under way. */
  destroy(): void;
}

/** What a connection tells its pool. */
export interface ConnectionEvents {
  /** Nothing is under way over it any more; for how long it may be kept, in milliseconds. */
  onIdle(connection: HttpConnection, keepMs: number): void;
  /** It is used again. */
  onBusy(connection: HttpConnection): void;
  /** It ended. */
  onGone(connection: HttpConnection): void;
}

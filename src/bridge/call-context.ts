/**
 * What a handler knows of its call beside the request. A test can make one
 * without a server.
 */
export interface CallContext {
  /** The method's path: `/runlet.v1.SessionService/GetSession`. */
  readonly method: string;
  /** Aborts when the call ends before the handler does: cancelled, disconnected, past its deadline. */
  readonly signal: AbortSignal;
  /** When the call fails by itself, in milliseconds since 1970; infinite if never. */
  readonly deadline: number;
  /** The same for all calls of one connection, and for none of another. */
  readonly peer: unknown;
  /** The first value of a request header, by its name in lower case. */
  header(name: string): string | undefined;
  /**
   * Sends the response headers now. They go out with the first message
   * otherwise, and a proxy may cut a call that answers nothing for long.
   */
  sendHeaders(): void;
  /**
   * Takes memory for an answer before it is made, of what all calls share, and waits for it
   * where too many answers are not sent yet. Held until it is called back or the handler has
   * answered; the answer counts by itself then.
   *
   * @throws Error if that takes too long
   */
  reserve(bytes: number): Promise<() => void>;
  /** Calls back when the call is over, however it ends; at once if it is over. */
  defer(cleanup: () => void): void;
  /**
   * Fails the call now, whatever its handler is doing: the status is sent, and
   * `signal` aborts so that the handler gives up. Does nothing once it is over.
   */
  fail(error: unknown): void;
  /** Adds ids to the call's line in the log. No contents, no secrets. */
  annotate(ids: Readonly<Record<string, string>>): void;
}

/** How a call went, for the log. */
export interface CallReport {
  readonly method: string;
  /** The status code. */
  readonly code: number;
  readonly durationMs: number;
  readonly ids: Readonly<Record<string, string>>;
  /** The error that was answered, if one was. */
  readonly error: unknown;
}

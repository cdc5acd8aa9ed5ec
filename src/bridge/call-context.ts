/** Names a value of a call, and has its type. Keys are told apart by their identity. */
export interface ContextKey<T> {
  /** What a call has before it is set. */
  readonly initial: T;
}

/** Makes a key. */
export function contextKey<T>(initial: T): ContextKey<T> {
  return { initial };
}

/** Ids that a call is about, for its line in the log. No contents, no secrets. */
export const CALL_IDS = contextKey<Readonly<Record<string, string>>>({});

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
  /** What was found out of the call when its headers were there; undefined: nothing. */
  readonly arrival?: unknown;
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
  /** What was set for the call last, or what the key begins with. */
  get<T>(key: ContextKey<T>): T;
  /** Sets a value for those that come later on the call's way, and for those that see its end. */
  set<T>(key: ContextKey<T>, value: T): void;
  /** Adds ids to {@link CALL_IDS}. */
  annotate(ids: Readonly<Record<string, string>>): void;
}

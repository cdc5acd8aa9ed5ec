import type { HttpCredentials } from './http-credentials.ts';

/** A header, as it is on the wire. */
export interface HttpField {
  /** A token. What was received is in lower case. */
  readonly name: string;
  /** Any bytes but control characters; the tab may be in it. */
  readonly value: Buffer;
}

/** What is to be sent, and how. */
export interface HttpExchangeRequest {
  /** A token; upper and lower case differ. */
  readonly method: string;
  /** `http:` or `https:`, without a user and a password. */
  readonly url: URL;
  /** In order, with repeats; none of the connection's own. */
  readonly fields: readonly HttpField[];
  /** The body where it is short. Default: it is what `pieces` has. */
  readonly body: Uint8Array | undefined;
  /**
   * The body where it is streamed; empty where `body` is given. The request goes out with the
   * first piece, which may be empty, or when they are over. It throws where they were cut.
   */
  readonly pieces: AsyncIterator<Uint8Array, void>;
  /** Whether redirects are followed. */
  readonly follows: boolean;
  /** Milliseconds, more than 0. */
  readonly connectTimeoutMs: number;
  /** The same; undefined: for ever. */
  readonly headerTimeoutMs: number | undefined;
  readonly idleTimeoutMs: number | undefined;
  readonly timeoutMs: number | undefined;
  /** Bytes of the answer's body that are told; undefined: any. */
  readonly maxBodyBytes: number | undefined;
  /** The name of one that the operator has; empty: none. */
  readonly credential: string;
  readonly credentials: HttpCredentials | undefined;
  /** Whether a compressed body is told as it was before. */
  readonly decompresses: boolean;
}

/** The head of an answer. */
export interface HttpHead {
  /** 200 to 999. */
  readonly status: number;
  /** In the order in which they came, with repeats, names in lower case. */
  readonly fields: readonly HttpField[];
  readonly finalUrl: string;
  readonly redirectedUrls: readonly string[];
  /** `1.0`, `1.1`, `2`. */
  readonly version: string;
}

/** A part of an answer, in order. */
export type HttpMessage =
  | { readonly kind: 'head'; readonly head: HttpHead }
  | { readonly kind: 'body'; readonly data: Buffer }
  | { readonly kind: 'end'; readonly trailers: readonly HttpField[]; readonly truncated: boolean };

import {
  checkOptions,
  isFlag,
  isText,
  isTimer,
  isWhole,
  type OptionChecks,
} from '../check-options.ts';

/** What a request through a session can be told beside what the platform's `fetch` knows. */
export interface FetchOptions {
  /** How long each connection may take, its name and TLS included, in milliseconds. Default: 30 s. */
  readonly connectTimeoutMs?: number;
  /** How long the head of the answer may take once the request is sent, in milliseconds. Default: any. */
  readonly headerTimeoutMs?: number;
  /** How long the body may bring nothing while it is read, in milliseconds. Default: any. */
  readonly idleTimeoutMs?: number;
  /** How long all of it may take, in milliseconds. Default: any. */
  readonly timeoutMs?: number;
  /** Bytes of the answer's body at most; a longer one fails with `BODY_TOO_LARGE`. Default: any. */
  readonly maxBodyBytes?: number;
  /** Whether a compressed body is told as it was before that. Default: true. */
  readonly decompress?: boolean;
  /** The name of a credential of the operator's, which the server adds. Default: none. */
  readonly credential?: string;
}

/** What the platform's `fetch` takes, and what it does not. What neither knows is left alone. */
export type FetchInit = RequestInit & FetchOptions;

/** The platform's `fetch`, of the server's machine. */
export type SessionFetch = (input: string | URL | Request, init?: FetchInit) => Promise<Response>;

const FETCH_CHECKS: OptionChecks<FetchOptions> = {
  connectTimeoutMs: isTimer,
  headerTimeoutMs: isTimer,
  idleTimeoutMs: isTimer,
  timeoutMs: isTimer,
  maxBodyBytes: isWhole(0, Number.MAX_SAFE_INTEGER),
  decompress: isFlag,
  credential: isText,
};

/** The options that are ours. @internal */
export function fetchOptions(init: FetchInit): FetchOptions {
  const own = Object.entries(init).filter(([name]) => Object.hasOwn(FETCH_CHECKS, name));
  const options: FetchOptions = Object.fromEntries(own);
  checkOptions('fetch', options, FETCH_CHECKS);
  return options;
}

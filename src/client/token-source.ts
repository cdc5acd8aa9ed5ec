import type { BigIntStats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { getSystemErrorMap } from 'node:util';
import type { Clock } from '../clock.ts';
import { CLIENT_TOKEN_LOOK_MS, MAX_BEARER_BYTES } from '../limits.ts';
import { isRecord } from './check-options.ts';
import { OptionError } from './client-error.ts';

/**
 * The token that says who calls: itself; a file that has it, which is read again when it changes;
 * or a function that is asked anew for each call.
 */
export type TokenOption = string | { readonly file: string } | (() => string | Promise<string>);

/** What gives the token of a call. */
export interface TokenSource {
  /**
   * @throws OptionError there is none, or it cannot be sent; without telling it. What is given
   *   rejects with that where it is known only then
   */
  get(): string | Promise<string>;
  /** Whether it can be another one later. */
  readonly changes: boolean;
  /** The server refused the last: a file is looked at for the next call, whenever that was done. */
  renew(): void;
}

/** What a header can hold, and no space: RFC 6750, section 2.1, of which servers take more. */
const TOKEN = /^[!-~]+$/;

/**
 * Gives the token of an option.
 *
 * @throws OptionError it can never be one
 */
export function tokenSource(given: TokenOption, clock: Clock): TokenSource {
  if (typeof given === 'function') {
    return { get: async () => checked(await given()), changes: true, renew: () => {} };
  }
  if (typeof given === 'string') {
    const token = checked(given);
    return { get: () => token, changes: false, renew: () => {} };
  }
  if (!isRecord(given) || typeof given.file !== 'string' || Object.keys(given).length !== 1) {
    throw new OptionError('token', 'token must be a string, a function, or { file }');
  }
  return new TokenFile(given.file, clock);
}

/** What a token has to be. Nothing of one is ever told: not what it is, and not how it begins. */
const WANTED = `1 to ${MAX_BEARER_BYTES} printable ASCII characters without a space`;

function checked(token: unknown): string {
  const text = cleaned(token);
  if (text === undefined) throw new OptionError('token', `token must be ${WANTED}`);
  return text;
}

/** A token without what stands around it in a file; undefined: it is none. */
function cleaned(token: unknown): string | undefined {
  const text = typeof token === 'string' ? token.trim() : '';
  return TOKEN.test(text) && text.length <= MAX_BEARER_BYTES ? text : undefined;
}

/** A file is looked at again no sooner than a second after the last time. */
class TokenFile implements TokenSource {
  readonly changes = true;
  readonly #path: string;
  readonly #clock: Clock;
  /** The last that there was, and the file that it was in. */
  #last: { readonly token: string; readonly of: BigIntStats } | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** The look that is under way, for all calls that wait for one. */
  #looking: Promise<string> | undefined;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  get(): string | Promise<string> {
    const isRecent = this.#clock.monotonic() - this.#lookedAt < CLIENT_TOKEN_LOOK_MS;
    if (isRecent && this.#last !== undefined) return this.#last.token;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  renew(): void {
    this.#lookedAt = Number.NEGATIVE_INFINITY;
  }

  async #look(): Promise<string> {
    const now = this.#clock.monotonic();
    try {
      const found = await stat(this.#path, { bigint: true });
      if (this.#last === undefined || !isSame(this.#last.of, found)) {
        this.#last = { token: await this.#read(), of: found };
      }
    } catch (error) {
      // It is being written, perhaps, or replaced. Whether the last is still good, the server says.
      if (this.#last === undefined) throw this.#unreadable(error);
    }
    this.#lookedAt = now;
    return this.#last.token;
  }

  async #read(): Promise<string> {
    const token = cleaned(await beginningOf(this.#path, MAX_BEARER_BYTES + 2));
    if (token === undefined) throw new Error(`what it has must be ${WANTED}`);
    return token;
  }

  #unreadable(error: unknown): OptionError {
    const { errno, message } = error as NodeJS.ErrnoException;
    const [name, what] = getSystemErrorMap().get(errno ?? 0) ?? [];
    const why = name === undefined ? message : `${what} (${name})`;
    return new OptionError('token.file', `token.file ${this.#path}: ${why}`);
  }
}

/** What a file begins with, at most so many bytes of it and one more. It may be a pipe. */
async function beginningOf(path: string, most: number): Promise<string> {
  const file = await open(path);
  try {
    const bytes = Buffer.alloc(most + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.byteLength - length, null);
      length += bytesRead;
      if (bytesRead === 0 || length === bytes.byteLength) return bytes.toString('utf8', 0, length);
    }
  } finally {
    await file.close();
  }
}

/** Whether nothing was written or put in its place. A symbolic link is followed. */
function isSame(one: BigIntStats, other: BigIntStats): boolean {
  return (
    one.dev === other.dev &&
    one.ino === other.ino &&
    one.size === other.size &&
    one.mtimeNs === other.mtimeNs &&
    one.ctimeNs === other.ctimeNs
  );
}

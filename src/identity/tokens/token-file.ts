import { stat } from 'node:fs/promises';
import type { Clock, Timer } from '../../clock.ts';
import { FRESH_FILE_MS, TOKEN_FILE_LOOK_MS } from '../../limits.ts';
import { readTokenFile, stateOf, type TokenLines } from './read-token-file.ts';
import type { TokenLine } from './token-line.ts';

/** Where it is said what becomes of the file. */
export interface TokenFileLog {
  info(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** What a {@link TokenFile} is opened with. */
export interface TokenFileOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: TokenFileLog;
}

/**
 * A token file, which is read again when it changes: it is looked at and not watched, since that
 * finds every way in which a file can be replaced, also a link that leads elsewhere, on every
 * file system.
 */
export class TokenFile {
  readonly #options: TokenFileOptions;
  #lines: TokenLines = new Map();
  /** The file that these are of, or that is known to be wrong. Undefined: it is to be read. */
  #seen: string | undefined;
  /** What was said last to be wrong. */
  #problem: string | undefined;
  #timer: Timer | undefined;
  #closed = false;

  private constructor(options: TokenFileOptions) {
    this.#options = options;
  }

  /** @throws Error that names the file, if it cannot be read or something in it is wrong */
  static async open(options: TokenFileOptions): Promise<TokenFile> {
    const file = new TokenFile(options);
    const { path } = options;
    try {
      await file.#read();
    } catch (error) {
      throw new Error(`token file ${path}: ${reasonOf(error)}`);
    }
    file.#lookSoon();
    return file;
  }

  /**
   * The line that a public key is in; undefined: there is none. The same object as long as the line
   * says the same.
   */
  lineOf(publicKey: string): TokenLine | undefined {
    return this.#lines.get(publicKey);
  }

  /** Looks no more. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #lookSoon(): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.setTimer(TOKEN_FILE_LOOK_MS, () => void this.#look());
  }

  /** Never two at one time: a file system may not answer. */
  async #look(): Promise<void> {
    const { log, path } = this.#options;
    try {
      const found = await stat(path, { bigint: true });
      if (stateOf(found) !== this.#seen) await this.#read();
    } catch (error) {
      // It may come back as it was.
      if (isOfSystem(error)) this.#seen = undefined;
      const problem = reasonOf(error);
      if (problem !== this.#problem && !this.#closed) {
        log.error({ path, problem }, 'the token file is not used: what it had before holds');
      }
      this.#problem = problem;
    }
    this.#lookSoon();
  }

  async #read(): Promise<void> {
    const { clock, log, path } = this.#options;
    this.#seen = undefined;
    const { result, stats } = await readTokenFile(path);
    // What was changed just now may be changed again without a time that shows it.
    const age = Math.abs(clock.now() - Math.max(Number(stats.mtimeMs), Number(stats.ctimeMs)));
    if (age > FRESH_FILE_MS) this.#seen = stateOf(stats);
    if (result instanceof Error) throw result;
    this.#problem = undefined;
    const lines = new Map([...result].map(([key, line]) => [key, this.#unchanged(line) ?? line]));
    const same =
      lines.size === this.#lines.size && [...lines].every(([k, v]) => this.#lines.get(k) === v);
    this.#lines = lines;
    if (!same) log.info({ path, tokens: lines.size }, 'the token file was read');
  }

  /** The line that was there before and says the same, if there was one. */
  #unchanged({ grants, name, notAfter, publicKey }: TokenLine): TokenLine | undefined {
    const old = this.#lines.get(publicKey);
    const same =
      old?.name === name &&
      old.notAfter === notAfter &&
      old.grants.size === grants.size &&
      [...grants].every((grant) => old.grants.has(grant));
    return same ? old : undefined;
  }
}

function isOfSystem(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error;
}

function reasonOf(error: unknown): string {
  return isOfSystem(error) ? `it cannot be read (${error.code})` : (error as Error).message;
}

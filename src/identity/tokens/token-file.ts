import type { Clock } from '../../clock.ts';
import { MAX_TOKEN_FILE_BYTES } from '../../limits.ts';
import { assertOwnFile, readRegularFile } from '../../read-file.ts';
import { watchFiles } from '../../watched-files.ts';
import { parseTokenFile, type TokenLine } from './token-line.ts';

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

/** A token file, which is read again when it changes. */
export interface TokenFile {
  /**
   * The line that a public key is in; undefined: there is none. The same object as long as the line
   * says the same.
   */
  lineOf(publicKey: string): TokenLine | undefined;
  /**
   * Reads it now.
   *
   * @throws Error that says what is wrong; what was good the last time stays in force
   */
  reload(): Promise<void>;
  /** Looks at it no more. Idempotent. */
  close(): void;
}

/** The tokens that a server knows, by their public keys. */
type TokenLines = ReadonlyMap<string, TokenLine>;

/**
 * How it is read. Others may read it, but whoever can write to it decides who is let in: that
 * may be this user or root alone.
 */
const READ_OPTIONS = { maxBytes: MAX_TOKEN_FILE_BYTES, check: assertOwnFile };

/** @throws Error that names the file, if it cannot be read or something in it is wrong */
export async function openTokenFile({ clock, log, path }: TokenFileOptions): Promise<TokenFile> {
  const tell = ({ size }: TokenLines): void =>
    log.info({ path, tokens: size }, 'the token file was read');
  const file = await watchFiles<TokenLines>({
    ...READ_OPTIONS,
    paths: [path],
    parse: (at, before) => keptLines(linesIn(at(path).bytes), before),
    clock,
    onChange: tell,
    onProblem(problem) {
      if (problem === undefined) return;
      const facts = { path, problem: problem.message };
      log.error(facts, 'the token file is not used: what it had before holds');
    },
  }).catch((error: Error) => {
    throw new Error(`token file ${path}: ${error.message}`);
  });
  tell(file.current);
  return {
    lineOf: (publicKey) => file.current.get(publicKey),
    reload: () => file.reload(),
    close: () => file.close(),
  };
}

/**
 * Reads what is in a token file now.
 *
 * @throws Error that says what is wrong with it, without its path
 */
export async function readTokenFile(path: string): Promise<Buffer> {
  return (await readRegularFile(path, READ_OPTIONS)).bytes;
}

/**
 * The tokens in a token file, by their public keys.
 *
 * @throws Error that says what is wrong with it
 */
export function linesIn(bytes: Buffer): TokenLines {
  // Whoever writes to it in place empties it first.
  if (bytes.length === 0) throw new Error('it is empty; one with a comment lets nobody in');
  return parseTokenFile(bytes.toString());
}

/** The lines that were there before in place of those that say the same. */
function keptLines(lines: TokenLines, before: TokenLines = new Map()): TokenLines {
  const kept = (line: TokenLine): TokenLine => {
    const old = before.get(line.publicKey);
    return old !== undefined && saysSame(old, line) ? old : line;
  };
  return new Map([...lines].map(([publicKey, line]) => [publicKey, kept(line)]));
}

function saysSame(one: TokenLine, other: TokenLine): boolean {
  return (
    one.name === other.name &&
    one.notAfter === other.notAfter &&
    one.grants.size === other.grants.size &&
    [...one.grants].every((grant) => other.grants.has(grant))
  );
}

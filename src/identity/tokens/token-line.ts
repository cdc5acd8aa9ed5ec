import { DEFAULT_GRANTS, type Grant, parseGrants } from '../grants.ts';
import { isPublicKey } from './key-pair.ts';
import { isToken } from './token-format.ts';

/** What a token file says of one token. */
export interface TokenLine {
  /** What its principal is called after `token:`. */
  readonly name: string;
  /** The `x` of its JWK: base64url of 32 bytes. */
  readonly publicKey: string;
  readonly grants: ReadonlySet<Grant>;
  /** When it is over, in milliseconds since 1970; infinite: never. */
  readonly notAfter: number;
}

/** The word for all grants that are a caller's of whom nothing is said. */
const ALL = 'all';

/** What may follow the three words that every line has. */
const NOT_AFTER = 'not-after=';

/** A name can be part of logs, metrics and paths as it is. */
const NAME = /^[A-Za-z0-9._@-]{1,64}$/;

/** RFC 3339, in UTC alone. */
const TIME = /^(?<seconds>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?Z$/;

/** Whether a token can be called so. */
export function isTokenName(text: string): boolean {
  return NAME.test(text);
}

/**
 * Reads a token file: see docs/tokens.md.
 *
 * @returns the tokens by their public keys
 * @throws Error that says what is wrong in which line, and has nothing of its content, since
 *   that may be a token which was not meant to be there
 */
export function parseTokenFile(text: string): ReadonlyMap<string, TokenLine> {
  const lines = new Map<string, TokenLine>();
  const numbers = new Map<string, number>();
  for (const [i, row] of text.split(/\r?\n/).entries()) {
    const words = row.split(/[ \t]+/).filter((word) => word !== '');
    if (words.length === 0 || words[0]?.startsWith('#')) continue;
    const number = i + 1;
    let line: TokenLine;
    try {
      line = parseWords(words);
    } catch (error) {
      throw new Error(`line ${number}: ${(error as Error).message}`);
    }
    const named = numbers.get(`name ${line.name}`);
    if (named !== undefined) throw new Error(`line ${number}: it has the name of line ${named}`);
    const keyed = numbers.get(`key ${line.publicKey}`);
    if (keyed !== undefined) throw new Error(`line ${number}: it has the key of line ${keyed}`);
    numbers.set(`name ${line.name}`, number).set(`key ${line.publicKey}`, number);
    lines.set(line.publicKey, line);
  }
  return lines;
}

function parseWords(words: readonly string[]): TokenLine {
  const [name = '', publicKey, grants, notAfter, ...more] = words;
  if (words.some(isToken)) {
    throw new Error('it has a token, where only the public key of one should be');
  }
  if (!isTokenName(name)) {
    throw new Error('the name is not 1 to 64 letters, digits and characters of ._@-');
  }
  if (publicKey === undefined) throw new Error('there is no public key');
  if (!isPublicKey(publicKey)) {
    throw new Error('the public key is not base64url of the 32 bytes of one');
  }
  if (grants === undefined) throw new Error('there are no grants');
  if (more.length > 0)
    throw new Error('there is more than a name, a public key, grants and an end');
  return { name, publicKey, grants: grantsOfLine(grants), notAfter: endOf(notAfter) };
}

function grantsOfLine(text: string): ReadonlySet<Grant> {
  if (text === ALL) return DEFAULT_GRANTS;
  try {
    return parseGrants(text);
  } catch {
    throw new Error('it has a grant that there is not');
  }
}

function endOf(word: string | undefined): number {
  if (word === undefined) return Number.POSITIVE_INFINITY;
  const time = word.startsWith(NOT_AFTER) ? parseTime(word.slice(NOT_AFTER.length)) : undefined;
  if (time !== undefined) return time;
  throw new Error(`what follows the grants is not ${NOT_AFTER}TIME, such as 2027-01-31T12:00:00Z`);
}

/** Milliseconds since 1970 of a time of RFC 3339 in UTC; undefined: it is none. */
function parseTime(text: string): number | undefined {
  const seconds = TIME.exec(text)?.groups?.['seconds'];
  const ms = Date.parse(text);
  if (seconds === undefined || Number.isNaN(ms)) return undefined;
  // A day that the month does not have is one of the next to Node.js.
  return new Date(ms).toISOString().startsWith(seconds) ? ms : undefined;
}

/** The time, in whole seconds, that {@link parseTime} reads. */
export function formatTime(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}

/** What a new line says. */
export interface NewLine {
  readonly name: string;
  readonly publicKey: string;
  /** Default: `all`, also what later versions add to it. */
  readonly grants?: readonly string[] | undefined;
  /** When it is over, in milliseconds since 1970. Default: never. */
  readonly notAfter?: number | undefined;
}

/** The line that {@link parseTokenFile} reads, without its end. Nothing of it is checked. */
export function formatTokenLine({ grants, name, notAfter, publicKey }: NewLine): string {
  const words = [name, publicKey, grants?.join(',') ?? ALL];
  if (notAfter !== undefined) words.push(NOT_AFTER + formatTime(notAfter));
  return words.join(' ');
}

import type { Narrowing } from '../identity/tokens/make-token.ts';
import { checkOptions, isDate, isText, isTexts, type OptionChecks } from './check-options.ts';
import { OptionError } from './client-error.ts';

/** What the next holder of a token may at most: see {@link narrowToken}. */
export interface NarrowTokenOptions {
  /** The only session that may be made and used. Default: what the token says. */
  readonly sessionId?: string;
  /** Grants, such as `observe`: one or more. Default: what the token says. */
  readonly grants?: readonly string[];
  /** When all is over, in whole seconds: what is beyond is cut off. Default: what the token says. */
  readonly notAfter?: Date;
}

/** What a token is made with. */
export interface NewTokenOptions {
  /** What its holder is called, after `token:`: 1 to 64 of `A-Za-z0-9._@-`. */
  readonly name: string;
  /** What may be done with it. Default: `all`, everything but `admin`. */
  readonly grants?: readonly string[];
  /** When it is over, in whole seconds: what is beyond is cut off. Default: never. */
  readonly notAfter?: Date;
}

/** A token that was made. */
export interface NewToken {
  /** The secret, for a client. */
  readonly token: string;
  /** By which a server knows it. */
  readonly publicKey: string;
  /** Its line for the token file of a server, without the end of line. */
  readonly line: string;
}

const NARROWING: OptionChecks<NarrowTokenOptions> = {
  sessionId: isText,
  grants: isTexts,
  notAfter: isDate,
};

const NEW: OptionChecks<NewTokenOptions> = { name: isText, grants: isTexts, notAfter: isDate };

/** The option of ours that one of the format is from. */
const OPTIONS: Readonly<Record<keyof Narrowing, keyof NarrowTokenOptions>> = {
  sessionId: 'sessionId',
  grants: 'grants',
  exp: 'notAfter',
};

/**
 * Makes a token of another with which less can be done, for somebody who is trusted less. No server
 * is asked, and nobody gets back from it to the other.
 *
 * @throws OptionError if the token is none, or the options ask for what there is not, or what the
 *   token has not
 */
export async function narrowToken(token: string, options: NarrowTokenOptions): Promise<string> {
  checkOptions('narrowToken', options, NARROWING);
  if (typeof token !== 'string') throw new OptionError('token', 'token must be a string');
  const { grants, notAfter, sessionId } = options;
  // Few who use the client narrow tokens.
  const { NarrowingError, narrow } = await import('../identity/tokens/make-token.ts');
  const { TokenError } = await import('../identity/tokens/token-error.ts');
  try {
    return await narrow(token, { grants, sessionId, exp: secondsOf(notAfter) });
  } catch (error) {
    if (error instanceof TokenError) throw new OptionError('token', `token: ${error.message}`);
    if (!(error instanceof NarrowingError)) throw error;
    const option = OPTIONS[error.option];
    throw new OptionError(option, `${option}: ${error.message}`);
  }
}

/**
 * Makes a token, and the line with which a server lets in whoever has it. Nothing is sent or kept.
 *
 * @throws OptionError if the options ask for what there is not
 */
export async function newToken(options: NewTokenOptions): Promise<NewToken> {
  checkOptions('newToken', options, NEW);
  const { grants, name, notAfter } = options;
  const { makeToken } = await import('../identity/tokens/make-token.ts');
  const { formatTokenLine, isTokenName } = await import('../identity/tokens/token-line.ts');
  if (typeof name !== 'string' || !isTokenName(name)) {
    throw new OptionError('name', 'name must be 1 to 64 letters, digits and characters of ._@-');
  }
  if (grants !== undefined) await checkGrants(grants);
  const { publicKey, token } = makeToken();
  const exp = secondsOf(notAfter);
  const end = exp === undefined ? undefined : exp * 1000;
  return { token, publicKey, line: formatTokenLine({ name, publicKey, grants, notAfter: end }) };
}

async function checkGrants(names: readonly string[]): Promise<void> {
  const { parseGrants } = await import('../identity/grants.ts');
  try {
    parseGrants(names.join(','));
  } catch (error) {
    throw new OptionError('grants', `grants: ${(error as Error).message}`);
  }
}

function secondsOf(time: Date | undefined): number | undefined {
  return time === undefined ? undefined : Math.floor(time.getTime() / 1000);
}

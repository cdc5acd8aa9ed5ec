import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import type { Authenticator } from '../../src/identity/authenticator.ts';
import { makeToken } from '../../src/identity/tokens/make-token.ts';
import { createTokenAuthenticator } from '../../src/identity/tokens/token-authenticator.ts';
import { formatTokenLine, type NewLine } from '../../src/identity/tokens/token-line.ts';
import { temporaryFolder } from './harness.ts';

/** A token file for a test, and who lets in whoever has one of its tokens. */
export interface TokenRig {
  readonly path: string;
  readonly auth: Authenticator;
  /** What was said of the file, a line each. */
  readonly said: readonly string[];
  /** Writes these lines into the file. */
  write(...lines: readonly string[]): void;
}

/** A token that is in a token file by a line. */
export interface LinedToken {
  readonly token: string;
  readonly publicKey: string;
  readonly line: string;
}

/** Makes a token, and its line. */
export function linedToken(
  name: string,
  { seed, ...more }: Partial<Omit<NewLine, 'name'>> & { readonly seed?: Uint8Array } = {},
): LinedToken {
  const made = makeToken(seed);
  return { ...made, line: formatTokenLine({ name, publicKey: made.publicKey, ...more }) };
}

/** Lets in those who are in a file that has these lines. */
export async function tokenRig(lines: readonly string[], clock?: Clock): Promise<TokenRig> {
  const path = join(await temporaryFolder(), 'tokens');
  const said: string[] = [];
  const say = (facts: object, message: string): void => {
    said.push(`${message} ${JSON.stringify(facts)}`);
  };
  const write = (...more: readonly string[]): void =>
    writeFileSync(path, more.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  write(...lines);
  const log = { info: say, error: say };
  const auth = await createTokenAuthenticator({
    path,
    log,
    ...(clock === undefined ? {} : { clock }),
  });
  onTestFinished(() => auth.close());
  return { path, auth, said, write };
}

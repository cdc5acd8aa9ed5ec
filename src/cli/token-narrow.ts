import { Command } from 'commander';
import { type Narrowing, NarrowingError, narrow } from '../identity/tokens/make-token.ts';
import { TokenError } from '../identity/tokens/token-error.ts';
import { addExamples } from './examples.ts';
import { printLine } from './print.ts';
import { givenToken, writeSecret } from './secret-files.ts';
import {
  grantOption,
  notAfterOption,
  outOption,
  tokenFileOption,
  wholeSessionId,
} from './token-words.ts';
import { UsageError } from './usage-error.ts';

interface NarrowFlags {
  readonly session?: string;
  readonly grant?: readonly string[];
  readonly notAfter?: number;
  readonly tokenFile?: string;
  readonly out?: string;
}

/** The flag that an option of the library is from. */
const FLAGS: Readonly<Record<keyof Narrowing, string>> = {
  sessionId: '--session',
  grants: '--grant',
  exp: '--not-after',
};

/** `runlet token narrow` */
export function tokenNarrowCommand(): Command {
  const command = new Command('narrow')
    .description(
      'Make a token of another with which less can be done, and print it. No server is asked. Nobody gets back from it to the other.',
    )
    .option(
      '--session <id>',
      'the only session that may be made and used (default: what the token says)',
      wholeSessionId,
    )
    .addOption(grantOption('what the token says'))
    .addOption(notAfterOption('what the token says'))
    .addOption(tokenFileOption())
    .addOption(outOption())
    .action(makeNarrower);
  return addExamples(
    command,
    [
      {
        command: 'runlet token new ci | runlet token narrow --grant observe --not-after 1h',
        does: 'Let somebody look on, for an hour',
        prints: /^ci .*\nrlt1\.[\w-]+\.[\w-]+\.[\w-]+~[\w-]{43}\n$/,
      },
    ],
    [
      {
        command:
          'runlet token new ci --append "$FOLDER/tokens" --out "$FOLDER/ci.token" && runlet token narrow --token-file "$FOLDER/ci.token" --session 5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b52 --out "$FOLDER/job.token"',
        does: 'Let a job use one session, which it makes itself',
        prints: /^$/,
      },
    ],
  );
}

async function makeNarrower(flags: NarrowFlags): Promise<void> {
  const { grant: grants, notAfter, out, session: sessionId, tokenFile } = flags;
  if (grants === undefined && notAfter === undefined && sessionId === undefined) {
    throw new UsageError('it is not said to what: by --session, --grant or --not-after');
  }
  const exp = notAfter === undefined ? undefined : Math.floor(notAfter / 1000);
  const token = await givenToken(tokenFile);
  const narrowed = await narrow(token, { exp, grants, sessionId }).catch((error: unknown) => {
    if (error instanceof NarrowingError) {
      throw new UsageError(`${FLAGS[error.option]}: ${error.message}`);
    }
    throw error instanceof TokenError ? wrongToken(error) : error;
  });
  if (out === undefined) await printLine(narrowed);
  else await writeSecret(out, narrowed);
}

/** What is said of a token that is wrong in itself. */
export function wrongToken({ message }: TokenError): Error {
  return new Error(`the token is wrong: ${message}`);
}

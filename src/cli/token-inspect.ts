import { Command } from 'commander';
import { formatGrants } from '../identity/grants.ts';
import type { Principal } from '../identity/principal.ts';
import { TokenError } from '../identity/tokens/token-error.ts';
import { linesIn, readTokenFile } from '../identity/tokens/token-file.ts';
import { type Block, parseToken, type Restrictions } from '../identity/tokens/token-format.ts';
import { formatTime } from '../identity/tokens/token-line.ts';
import { principalOfToken } from '../identity/tokens/token-principal.ts';
import { type VerifiedToken, verifyChain } from '../identity/tokens/verify-chain.ts';
import { nonEmpty } from './arguments.ts';
import { addExamples } from './examples.ts';
import { printJson, printLine } from './print.ts';
import { givenToken } from './secret-files.ts';
import { table, tableWidth } from './table.ts';
import { wrongToken } from './token-narrow.ts';
import { tokenFileOption } from './token-words.ts';

interface InspectFlags {
  readonly tokenFile?: string;
  readonly keyFile?: string;
  readonly json?: boolean;
}

/** `runlet token inspect` */
export function tokenInspectCommand(): Command {
  const command = new Command('inspect')
    .description(
      'Say what can be done with a token, once its signatures are verified. The secret of it is not printed. The exit code is 1 if --key-file does not let its holder in.',
    )
    .addOption(tokenFileOption())
    .option(
      '--key-file <path>',
      'the token file of a server: whether it lets the holder in, and as whom (default: none)',
      nonEmpty,
    )
    .option('--json', 'print it as a line of JSON')
    .action(inspect);
  return addExamples(
    command,
    [
      {
        command: 'runlet token new ci | runlet token inspect',
        does: 'Look at a token',
        prints: /^ci .*\npublic key +[\w-]{43}\nnarrowed +0 times\ngrants +all of its line\n/,
      },
    ],
    [
      {
        command:
          'runlet token new ci --append "$FOLDER/tokens" | runlet token inspect --key-file "$FOLDER/tokens" --json',
        does: 'Look in a script whether a server lets in who has a token',
        prints: /^\{"publicKey":.*"accepted":\{"principal":"token:ci",/,
      },
      {
        command:
          'runlet token new ci --append "$FOLDER/tokens" --out "$FOLDER/ci.token" && runlet token inspect --token-file "$FOLDER/ci.token"',
        does: 'Look at a token that is in a file',
        prints: /^public key +[\w-]{43}\n/,
      },
    ],
  );
}

async function inspect({ json, keyFile, tokenFile }: InspectFlags): Promise<void> {
  const text = await givenToken(tokenFile);
  const { blocks, token } = await verified(text);
  const principal = keyFile === undefined ? undefined : await principalIn(keyFile, token);
  const isIn = principal !== undefined && principal.expiry > Date.now();
  if (keyFile !== undefined && !isIn) process.exitCode = 1;
  if (json === true) {
    await printJson({
      publicKey: token.publicKey,
      ...restrictionFacts(token),
      blocks: blocks.map((block) => ({
        signedBy: block.kid,
        nextKey: block.next,
        ...restrictionFacts(block),
      })),
      ...(keyFile === undefined ? {} : { accepted: isIn ? principalFacts(principal) : null }),
    });
    return;
  }
  const rows = [
    ['public key', token.publicKey],
    ['narrowed', blocks.length === 1 ? 'once' : `${blocks.length} times`],
    ...restrictionRows(token, ''),
    ...blocks.flatMap((block, i) => [
      [`block ${i + 1}`, `signed by ${block.kid}`],
      ['  next key', block.next],
      ...restrictionRows(block, '  '),
    ]),
  ];
  if (keyFile !== undefined) rows.push(['let in', principalWords(principal, isIn)]);
  for (const line of table(rows, tableWidth())) await printLine(line.trimEnd());
}

async function verified(
  text: string,
): Promise<{ readonly token: VerifiedToken; readonly blocks: readonly Block[] }> {
  try {
    const parsed = parseToken(text);
    return { token: await verifyChain(parsed), blocks: parsed.blocks };
  } catch (error) {
    throw error instanceof TokenError ? wrongToken(error) : error;
  }
}

/** Who the holder is to a server with this file; undefined: nobody. */
async function principalIn(path: string, token: VerifiedToken): Promise<Principal | undefined> {
  const lines = await readTokenFile(path)
    .then(linesIn)
    .catch((error: Error) => {
      throw new Error(`${path}: ${error.message}`);
    });
  const line = lines.get(token.publicKey);
  return line === undefined ? undefined : principalOfToken(token, line);
}

/** What is left, for a program; null: what was before. */
function restrictionFacts({ exp, grants, sessionId }: Restrictions): object {
  return {
    grants: grants === undefined ? null : formatGrants(grants).split(',').filter(Boolean),
    session: sessionId ?? null,
    notAfter: exp === undefined ? null : formatTime(exp * 1000),
  };
}

function principalFacts({ expiry, grants, name, sessionId }: Principal): object {
  return {
    principal: name,
    grants: formatGrants(grants).split(',').filter(Boolean),
    session: sessionId ?? null,
    notAfter: Number.isFinite(expiry) ? formatTime(expiry) : null,
  };
}

function restrictionRows({ exp, grants, sessionId }: Restrictions, indent: string): string[][] {
  const own = indent === '';
  const rows = [
    ['grants', grants === undefined ? 'all of its line' : formatGrants(grants) || 'none', grants],
    ['session', sessionId ?? 'any', sessionId],
    ['not after', exp === undefined ? 'as its line says' : endWords(exp * 1000), exp],
  ] as const;
  return rows
    .filter(([, , value]) => own || value !== undefined)
    .map(([name, words]) => [indent + name, words]);
}

function endWords(ms: number): string {
  return `${formatTime(ms)}${ms <= Date.now() ? ', which is over' : ''}`;
}

function principalWords(principal: Principal | undefined, isIn: boolean): string {
  if (principal === undefined) return 'no: its key is not in the file';
  const { expiry, grants, name } = principal;
  if (!isIn) return `no: ${name} was, until ${formatTime(expiry)}`;
  const end = Number.isFinite(expiry) ? `, until ${formatTime(expiry)}` : '';
  return `as ${name}: ${formatGrants(grants) || 'no grants'}${end}`;
}

import { constants } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import { makeToken } from '../identity/tokens/make-token.ts';
import { linesIn, readTokenFile } from '../identity/tokens/token-file.ts';
import { formatTokenLine, isTokenName } from '../identity/tokens/token-line.ts';
import { nonEmpty } from './arguments.ts';
import { addExamples } from './examples.ts';
import { printLine, sayAsIs } from './print.ts';
import { writeSecret } from './secret-files.ts';
import { grantOption, notAfterOption, outOption } from './token-words.ts';

interface NewFlags {
  readonly grant?: readonly string[];
  readonly notAfter?: number;
  readonly out?: string;
  readonly append?: string;
}

const NEWLINE = 0x0a;

/** `runlet token new` */
export function tokenNewCommand(): Command {
  const command = new Command('new')
    .description(
      'Make a token. The token is printed on standard output, and its line for the token file of a server on standard error.',
    )
    .addOption(grantOption('all but admin'))
    .addOption(notAfterOption('never'))
    .addOption(outOption())
    .option(
      '--append <path>',
      'the token file of a server, to which its line is added (default: none, it is printed)',
      nonEmpty,
    )
    .argument('<name>', 'what its holder is called: token:NAME', tokenName)
    .action(makeNew);
  return addExamples(
    command,
    [
      {
        command: 'runlet token new ci',
        does: 'Make a token with which all may be done but what needs admin',
        prints: /^(?:rlt1\.[\w-]{43}\n|ci [\w-]{43} all\n){2}$/,
      },
      {
        command: 'runlet token new ci --append "$FOLDER/tokens" --out "$FOLDER/ci.token"',
        does: 'Make one, for a server and a client that have it in files',
        prints: /^$/,
      },
    ],
    [
      {
        command: 'runlet token new watcher --grant observe --not-after 30d',
        does: 'Make one that may look on, for a month',
        prints: /watcher [\w-]{43} observe not-after=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n/,
      },
    ],
  );
}

function tokenName(text: string): string {
  if (isTokenName(text)) return text;
  throw new InvalidArgumentError('it is not 1 to 64 letters, digits and characters of ._@-');
}

async function makeNew(name: string, flags: NewFlags): Promise<void> {
  const { append, grant: grants, notAfter, out } = flags;
  const { publicKey, token } = makeToken();
  const line = formatTokenLine({ name, publicKey, grants, notAfter });
  const separator = append === undefined ? '' : await separatorFor(append, name);
  if (out !== undefined) await writeSecret(out, token);
  try {
    if (append === undefined) sayAsIs(`${line}\n`);
    else await appendTo(append, `${separator}${line}\n`);
  } catch (error) {
    if (out !== undefined) await rm(out, { force: true });
    throw error;
  }
  if (out === undefined) await printLine(token);
}

/** What has to come before a line that is added to a file, which is checked before. */
async function separatorFor(path: string, name: string): Promise<string> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined || found.size === 0) return '';
  try {
    const bytes = await readTokenFile(path);
    for (const line of linesIn(bytes).values()) {
      if (line.name === name) throw new Error(`it has a token that is called ${name}`);
    }
    return bytes.at(-1) === NEWLINE ? '' : '\n';
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
}

/** In one write, so that a server that reads it meanwhile sees all of the line or nothing. */
async function appendTo(path: string, text: string): Promise<void> {
  const { O_APPEND, O_CREAT, O_WRONLY } = constants;
  const file = await open(path, O_APPEND | O_CREAT | O_WRONLY, 0o644);
  try {
    // A group that may write, as the mask of some systems has it, would have it refused.
    if ((await file.stat()).size === 0) await file.chmod(0o644);
    await file.write(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

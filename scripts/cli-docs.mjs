// @ts-check
/**
 * Writes what the help of each command says into docs/cli.md:
 *
 *     npm run build && node scripts/cli-docs.mjs
 *
 * With `--check` it writes nothing and fails where the page is not up to date.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PAGE = fileURLToPath(new URL('../docs/cli.md', import.meta.url));
const MAIN = fileURLToPath(new URL('../bundle/main.js', import.meta.url));

const BEGIN = '<!-- commands: begin, written by scripts/cli-docs.mjs -->\n';
const END = '<!-- commands: end -->\n';

const COMMANDS = [
  'serve',
  'run',
  'start',
  'exec',
  'attach',
  'logs',
  'wait',
  'ps',
  'top',
  'inspect',
  'stop',
  'kill',
  'cp',
  'files',
  'files ls',
  'files cat',
  'files stat',
  'files mkdir',
  'files mv',
  'files rm',
  'files watch',
  'forward',
  'fetch',
  'ports',
  'sessions',
  'sessions close',
  'info',
  'doctor',
  'token',
  'token new',
  'token narrow',
  'token inspect',
  'version',
  'conformance',
  'completion',
];

/**
 * What the help of a command says, all of it. Where it goes to no terminal it is 80 columns wide.
 *
 * @param {string} command
 */
function helpOf(command) {
  const help = (/** @type {string} */ flag) =>
    execFileSync(process.execPath, [MAIN, ...command.split(' '), flag], { encoding: 'utf8' });
  const some = help('--help');
  const text = some.includes('--help-all') ? help('--help-all') : some;
  return `### runlet ${command}\n\n\`\`\`text\n${text.trimEnd()}\n\`\`\`\n`;
}

const page = readFileSync(PAGE, 'utf8');
const begin = page.indexOf(BEGIN);
const end = page.indexOf(END);
if (begin === -1 || end < begin) throw new Error('docs/cli.md lacks the marks of the commands');
const commands = COMMANDS.map(helpOf).join('\n');
const current = `${page.slice(0, begin)}${BEGIN}\n${commands}\n${page.slice(end)}`;
if (!process.argv.includes('--check')) {
  writeFileSync(PAGE, current);
} else if (current !== page) {
  process.stderr.write('docs/cli.md is not up to date: run `node scripts/cli-docs.mjs`\n');
  process.exitCode = 1;
}

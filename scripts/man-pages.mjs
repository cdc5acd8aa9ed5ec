// @ts-check
/**
 * Writes a manual page for each command, and one for all, into `man/`, from what the help says.
 * `dist/` has to be built.
 *
 * @import { Command, Option } from 'commander'
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allExamplesOf } from '../dist/cli/examples.js';
import { allOptions } from '../dist/cli/help-all.js';
import { createProgram } from '../dist/cli/program.js';
import { VERSION } from '../dist/version.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = join(ROOT, 'man');

/** What each variable is for. */
const VARIABLES = {
  RUNLET_ADDRESS: 'The server, where --address does not name one.',
  RUNLET_TOKEN_FILE: 'A file with the token that says who calls, as --token-file names one.',
  RUNLET_TOKEN: 'The token itself, where no file is named.',
  RUNLET_TLS: '1: speak TLS, as with --tls. 0: not for what the variables below say.',
  RUNLET_CA: 'The authorities that are trusted, as with --ca.',
  RUNLET_CERT: 'The certificate of this client, as with --cert.',
  RUNLET_KEY: 'Its private key, as with --key.',
  RUNLET_SERVER_NAME: 'The name that the certificate of the server is for, as with --server-name.',
};

const program = await createProgram();
const commands = program
  .createHelp()
  .visibleCommands(program)
  .filter((one) => one.name() !== 'help');
const all = commands.flatMap((command) => [command, ...command.commands]);

/** @param {Command} command */
function page(command) {
  const name = pageOf(command);
  const summary = (command.summary() || command.description()).replace(/\.$/, '');
  const own = command === program;
  return [
    `.\\" Written by scripts/man-pages.mjs from the help of the command.`,
    `.TH ${asIs(name).toUpperCase()} 1 "" "runlet ${VERSION}" "User Commands"`,
    '.SH NAME',
    `${asIs(name)} \\- ${asIs(summary[0]?.toLowerCase() + summary.slice(1))}`,
    '.SH SYNOPSIS',
    `${bold(name.replaceAll('-', ' '))} ${asIs(command.usage())}`,
    '.SH DESCRIPTION',
    asIs(command.description()),
    ...section('ARGUMENTS', command.registeredArguments.map(argument)),
    ...section(
      'OPTIONS',
      allOptions(command)
        .filter(({ long }) => long !== '--help-all')
        .map(option),
    ),
    ...(own ? section('COMMANDS', all.map(ofCommand)) : []),
    ...section('EXAMPLES', allExamplesOf(command).map(example)),
    ...(own
      ? section(
          'ENVIRONMENT',
          Object.entries(VARIABLES).map(([name, text]) => tagged(bold(name), text)),
        )
      : []),
    ...(own ? section('EXIT STATUS', exitCodes()) : []),
    '.SH SEE ALSO',
    (own ? all : [program, ...command.commands])
      .map((other) => `${bold(pageOf(other))}(1)`)
      .join(',\n'),
    '',
  ].join('\n');
}

/**
 * @param {string} title
 * @param {readonly string[]} parts
 */
function section(title, parts) {
  return parts.length === 0 ? [] : [`.SH ${title}`, ...parts];
}

/** @param {Option} option */
function option(option) {
  const flags = option.flags.replace(/--?[\w-]+/g, (flag) => `\u0001${flag}\u0002`);
  const marked = asIs(flags).replaceAll('\u0001', '\\fB').replaceAll('\u0002', '\\fR');
  return tagged(marked, program.createHelp().optionDescription(option));
}

/** @param {import('commander').Argument} argument */
function argument(argument) {
  return tagged(
    `\\fI${asIs(argument.name())}\\fR`,
    program.createHelp().argumentDescription(argument),
  );
}

/** @param {Command} command */
function ofCommand(command) {
  return tagged(`${bold(pageOf(command))}(1)`, command.summary() || command.description());
}

/** @param {{ command: string, does: string }} example @param {number} index */
function example({ command, does }, index) {
  const apart = index === 0 ? [] : ['.PP'];
  return [...apart, `${asIs(does)}:`, '.PP', '.RS 4', '.nf', asIs(command), '.fi', '.RE'].join(
    '\n',
  );
}

/** Those that docs/cli.md lists. */
function exitCodes() {
  const rows = readFileSync(join(ROOT, 'docs', 'cli.md'), 'utf8').matchAll(
    /^\| (\d[^|]*|its own) +\| ([^|]*)\| ([^|]*) \|$/gm,
  );
  return [...rows].map(([, code = '', of = '', meaning = '']) =>
    tagged(bold(code.trim()), `of ${of.trim()}: ${meaning.trim()}`.replaceAll('`', '')),
  );
}

/**
 * @param {string} tag
 * @param {string} text
 */
function tagged(tag, text) {
  return `.TP\n${tag}\n${asIs(text)}`;
}

/** @param {string} text */
function bold(text) {
  return `\\fB${asIs(text)}\\fR`;
}

/** The words that lead to a command, with hyphens. @param {Command} command @returns {string} */
function pageOf(command) {
  return command.parent === null ? command.name() : `${pageOf(command.parent)}-${command.name()}`;
}

/** Text as troff takes it: nothing of it is a command. @param {string} text */
function asIs(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('`', '\\(ga')
    .replaceAll("'", '\\(aq')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replace(/^\./gm, '\\&.');
}

rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER);
for (const command of [program, ...all]) {
  writeFileSync(join(FOLDER, `${pageOf(command)}.1`), page(command));
}

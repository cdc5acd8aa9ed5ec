import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { allExamplesOf } from '../../src/cli/examples.ts';
import { createProgram } from '../../src/cli/program.ts';
import { namedCommands } from '../support/commands.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const program = await createProgram();
const hidden = program.commands.filter(
  (command) => !program.createHelp().visibleCommands(program).includes(command),
);

/** The commands that users know of, and the names of their pages. */
const PAGES = [
  { name: 'runlet', command: program },
  ...namedCommands(program)
    .filter(({ command }) => !hidden.includes(command))
    .map(({ command, words }) => ({ name: ['runlet', ...words].join('-'), command })),
];

/** What tells of faults in a manual page, if it is there. */
const CHECKERS = [
  ['mandoc', '-T', 'lint', '-W', 'warning'],
  ['groff', '-man', '-ww', '-z'],
] as const;

const checker = CHECKERS.find(([tool]) => spawnSync(tool, ['--version']).error === undefined);
if (checker === undefined) {
  process.stderr.write('skipped: the format of manual pages needs mandoc or groff\n');
}

describe('the manual pages', () => {
  it('are those of all commands, and are installed', () => {
    const { files, man } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8')) as {
      files: string[];
      man: string[];
    };
    const names = PAGES.map(({ name }) => `${name}.1`);
    expect(readdirSync(`${ROOT}/man`).toSorted()).toEqual(names.toSorted());
    expect(man.toSorted()).toEqual(names.map((name) => `./man/${name}`).toSorted());
    expect(files).toContain('man');
  });

  it.each(PAGES)('have every flag and example: $name', ({ command, name }) => {
    const page = readFileSync(`${ROOT}/man/${name}.1`, 'utf8')
      .replaceAll('\\-', '-')
      .replaceAll('\\(aq', "'")
      .replaceAll('\\(ha', '^');
    for (const { hidden, long } of command.options) {
      if (!hidden && long !== '--help-all') expect(page).toContain(`\\fB${long}\\fR`);
    }
    for (const example of allExamplesOf(command)) expect(page).toContain(`\n${example.command}\n`);
  });

  it.skipIf(checker === undefined)('are as a formatter wants them', () => {
    const [tool = '', ...args] = checker ?? [];
    const pages = PAGES.map(({ name }) => `${ROOT}/man/${name}.1`);
    const { stderr, stdout } = spawnSync(tool, [...args, ...pages], { encoding: 'utf8' });
    // They have the date of no day, so that they are the same whenever they are made.
    const faults = (stdout + stderr).split('\n').filter((line) => !line.includes('missing date'));
    expect(faults.join('\n')).toBe('');
  });
});

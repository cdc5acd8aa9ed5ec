import { execFile, execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { bashCompletion } from '../../src/cli/completion/bash.ts';
import { commandTree } from '../../src/cli/completion/command-tree.ts';
import { fishCompletion } from '../../src/cli/completion/fish.ts';
import { zshCompletion } from '../../src/cli/completion/zsh.ts';
import { createProgram } from '../../src/cli/program.ts';
import { temporaryFolder } from '../support/harness.ts';

const run = promisify(execFile);

/** What is typed, word by word, and what must be offered for the last one. */
const CASES: readonly (readonly [readonly string[], readonly string[]])[] = [
  [['at'], ['attach']],
  [['s'], ['serve', 'start', 'stop', 'sessions']],
  [
    ['serve', '--auth', ''],
    ['none', 'token', 'jwt', 'mtls', 'peer'],
  ],
  [['serve', '--auth', 'none', '--launch'], ['--launcher']],
  // The value of an option is no command.
  [['logs', '--session', 'sessions', '--fo'], ['--follow']],
  [['sessions', 'cl'], ['close']],
  [['sessions', 'close', '--j'], ['--json']],
  [['run', '--env-policy', 'c'], ['core']],
  [
    ['kill', '--scope', ''],
    ['group', 'leader', 'tree'],
  ],
  [['attach', '--detach-'], ['--detach-keys']],
  [['completion', 'f'], ['fish']],
  [
    ['kill', '--signal', 'USR'],
    ['USR1', 'USR2'],
  ],
  // What a server has.
  [['kill', 'bu'], ['build']],
  [['exec', 'bu'], ['build']],
  [['logs', '--session', 'bu'], ['build']],
  [['sessions', 'close', '--address', 'unix:/a', 'bu'], ['build']],
  // It is asked as the command would ask it.
  [
    ['kill', '--tls', '--ca', '/a', '--token-file=/t', '--grace', '1', 'with-'],
    ['with---tls', 'with---ca=/a', 'with---token-file=/t'],
  ],
  [['kill', '--key', '~/k', 'with-'], ['with---key=/home/me/k']],
  // Where the program begins options end.
  [['exec', '-t', 'build', 'runlet-of-this-tes'], ['runlet-of-this-test']],
];

const SCRIPTS = { bash: bashCompletion, fish: fishCompletion, zsh: zshCompletion } as const;

/** Variables with a PATH on which there is a `runlet` that knows what a server has. */
async function environment(): Promise<NodeJS.ProcessEnv> {
  const folder = await temporaryFolder();
  const lines = ['build\\tmake all', 'web: 1\\tserve', '$(exit 9)\\t`'].join('\\n');
  const answer = `#!/bin/sh
[ "$1" = complete ] || exit
shift 2
printf '${lines}\\n'
for flag; do printf 'with-%s\\t\\n' "$flag"; done
`;
  await writeFile(join(folder, 'runlet'), answer, { mode: 0o755 });
  await writeFile(join(folder, 'runlet-of-this-test'), '', { mode: 0o755 });
  return { ...process.env, HOME: '/home/me', PATH: `${folder}:${process.env['PATH']}` };
}

/** A file with the script for a shell. */
async function script(shell: keyof typeof SCRIPTS): Promise<string> {
  const path = join(await temporaryFolder(), `runlet.${shell}`);
  await writeFile(path, SCRIPTS[shell](commandTree(await createProgram())));
  return path;
}

function missing(shell: string): boolean {
  try {
    execFileSync(shell, ['-c', 'true']);
    return false;
  } catch {
    process.stderr.write(`skipped: the completion of ${shell} needs ${shell}\n`);
    return true;
  }
}

describe.skipIf(missing('bash'))('the completion of bash', () => {
  /** What bash offers after these words. */
  async function offered(words: readonly string[]): Promise<readonly string[]> {
    const program = `source "$1"; shift
      COMP_WORDS=(runlet "$@"); COMP_CWORD=$#; _runlet
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const args = ['--norc', '-c', program, 'bash', await script('bash'), ...words];
    const { stdout } = await run('bash', args, { env: await environment() });
    return stdout.split('\n').filter((line) => line !== '');
  }

  it.each(CASES)('offers for %j %j', async (words, expected) => {
    expect(await offered(words)).toEqual(expected);
  });

  it('offers programs after --, and then files', async () => {
    expect(await offered(['run', '-t', '--', 'mktem'])).toContain('mktemp');
    expect(await offered(['run', '--', 'serve', '/et'])).toEqual(['/etc']);
    expect(await offered(['run', '--cwd', '/et'])).toEqual(['/etc']);
    expect(await offered(['run', '-t', 'serve', '/et'])).toEqual(['/etc']);
  });

  it('offers what a server has as words, and does nothing that is in them', async () => {
    expect(await offered(['kill', '$'])).toEqual(['\\$\\(exit\\ 9\\)']);
    // As bash splits a word; the last part is replaced.
    expect(await offered(['kill', '--address', 'unix', ':', '/a', 'web', ':'])).toEqual(['\\ 1']);
  });

  it('offers every command, and every option of each', async () => {
    const program = commandTree(await createProgram());
    expect(await offered([''])).toEqual(
      expect.arrayContaining(program.commands.map(({ name }) => name)),
    );
    for (const { name, options } of program.commands) {
      const flags = options.flatMap((option) => option.flags);
      expect(await offered([name, '-'])).toEqual(expect.arrayContaining([...flags]));
    }
  });
});

describe.skipIf(missing('fish'))('the completion of fish', () => {
  it.each(CASES)('offers for %j %j', async (words, expected) => {
    const home = await temporaryFolder();
    const program = 'source $argv[1]; complete -C (string join -- " " runlet $argv[2..-1])';
    const env = {
      ...(await environment()),
      HOME: home,
      XDG_CONFIG_HOME: home,
      XDG_DATA_HOME: home,
    };
    const args = ['--no-config', '-c', program, '--', await script('fish'), ...words];
    const { stdout } = await run('fish', args, { env });
    const offered = stdout.split('\n').flatMap((line) => line.split('\t')[0] || []);
    // Fish itself has a home of its own here.
    const here = expected.map((word) => word.replace('/home/me', home));
    expect([...offered].sort()).toEqual(here.sort());
  });
});

/*
 * Completion of zsh works on a terminal alone, in a widget, so this makes a zsh on one and has it
 * complete what is typed. Every match is noted where zsh would add it to its list.
 */
const ZSH_COMPLETES = `
  zmodload zsh/zpty
  export OFFERED=$2
  zpty shell zsh -f -i
  zpty -w shell 'PS1= PS2= HISTFILE=; stty -echo; autoload -Uz compinit && compinit -u -D'
  zpty -w shell "source \${(q)1}"
  zpty -w shell 'compadd() {
    if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]] { builtin compadd "$@"; return }
    local -a hits
    builtin compadd -A hits "$@"
    print -rl -- $hits >> $OFFERED
    builtin compadd "$@"
  }'
  zpty -w shell 'done-completing() { exit }; comppostfuncs=(done-completing)'
  zpty -w shell 'zle -C offer list-choices _main_complete; bindkey "^I" offer'
  zpty -w -n shell "$3"$'\t'
  zpty -r shell > /dev/null 2>&1
  while zpty -r shell > /dev/null 2>&1; do :; done
`;

describe.skipIf(missing('zsh'))('the completion of zsh', () => {
  it.each(CASES)('offers for %j %j', async (words, expected) => {
    const offered = join(await temporaryFolder(), 'offered');
    await writeFile(offered, '');
    const args = ['-f', '-c', ZSH_COMPLETES, 'zsh', await script('zsh'), offered];
    const env = await environment();
    await run('zsh', [...args, ['runlet', ...words].join(' ')], { env });
    const found = (await readFile(offered, 'utf8')).split('\n').filter((line) => line !== '');
    expect(found.sort()).toEqual([...expected].sort());
  });
});

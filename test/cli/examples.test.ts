import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Command } from 'commander';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Example, examplesOf } from '../../src/cli/examples.ts';
import { createProgram } from '../../src/cli/program.ts';
import { runCli } from '../support/cli.ts';
import { type CliUser, cliUser } from '../support/cli-user.ts';
import { connectTo } from '../support/client.ts';
import { serveHere } from '../support/harness.ts';
import { MAIN } from '../support/served.ts';

/** A command of the program, and the words that lead to it. */
interface Named {
  readonly words: readonly string[];
  readonly command: Command;
}

function allCommands(command: Command, words: readonly string[] = []): readonly Named[] {
  const inner = command.commands.map((child) => allCommands(child, [...words, child.name()]));
  return [...(words.length === 0 ? [] : [{ words, command }]), ...inner.flat()];
}

const COMMANDS = allCommands(await createProgram());

/** Commands that need no server. */
const ALONE = /^runlet (?:serve|run|completion|end-leftovers) /;

/** Commands that are about a process; theirs is the last one, is named `build`, and has ended or not. */
const ENDED = /^runlet (?:attach|exec|inspect|logs|ps|sessions|wait)\b/;
const RUNNING = /^runlet (?:kill|stop)\b/;

/** Whoever tries an example, and what has to be there for it. */
async function exampleUser(example: string): Promise<CliUser> {
  if (ALONE.test(`${example} `)) return cliUser({ kind: 'unix', path: '/nonexistent' });
  const { address } = await serveHere();
  const user = await cliUser(address);
  if (RUNNING.test(example))
    await user.start('--id', 'build', '--label', 'job=build', '--', 'sleep', '1000');
  if (ENDED.test(example)) {
    const { session: id } = await user.start('--id', 'build', '--', 'echo', 'building');
    const session = await connectTo(address).session({ id, ifAttached: 'share' });
    await (await session.process('build')).closed;
  }
  return user;
}

/** Runs an example in a shell, with nothing on its standard input. */
function startExample(user: CliUser, command: string): ChildProcess {
  const script = `runlet() { "$NODE" "$MAIN" "$@"; }; ${command}`;
  const env = {
    ...user.env,
    NODE: process.execPath,
    MAIN,
    // What needs no server finds none.
    ...(ALONE.test(`${command} `) ? { RUNLET_ADDRESS: '' } : {}),
  };
  const child = spawn('sh', ['-c', script], { env, detached: true });
  child.stdin.end();
  onTestFinished(() => {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
    } catch {
      // All of it has ended.
    }
  });
  return child;
}

/** All that it prints, on both streams. */
function printedBy(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
  }
  return () => text;
}

async function tryExample({ code = 0, command, prints }: Example): Promise<void> {
  const child = startExample(await exampleUser(command), command);
  const printed = printedBy(child);
  const closed = once(child, 'close');
  if (code === null) {
    await expect.poll(printed).toMatch(prints);
    process.kill(-(child.pid ?? 0), 'SIGTERM');
    await closed;
    return;
  }
  expect([(await closed)[0], printed()]).toEqual([code, expect.stringMatching(prints)]);
}

describe.each(COMMANDS.map(({ command, words }) => ({ name: words.join(' '), words, command })))(
  'the help of runlet $name',
  ({ command, words }) => {
    const examples = examplesOf(command);

    it('has examples, and these', async () => {
      const { stdout } = await runCli([...words, '--help']);
      const [, shown = ''] = stdout.toString().split('\nExamples:\n');
      const lines = shown.trimEnd().split('\n');
      expect(lines).toEqual(
        examples.flatMap(({ command, does }) => [`  ${does}:`, `    ${command}`]),
      );
      expect(examples.length).toBeGreaterThan(0);
    });

    it.each(examples)('shows $command, which works', tryExample);
  },
);

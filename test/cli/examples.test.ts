import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { allExamplesOf, type Example } from '../../src/cli/examples.ts';
import { createProgram } from '../../src/cli/program.ts';
import { type CliUser, cliUser } from '../support/cli-user.ts';
import { connectTo } from '../support/client.ts';
import { namedCommands } from '../support/commands.ts';
import { serveHere } from '../support/harness.ts';
import { MAIN } from '../support/served.ts';

const COMMANDS = namedCommands(await createProgram());

/** Commands that need no server, unless one is named. */
const ALONE = ['serve', 'run', 'completion', 'end-leftovers'];

/** Commands that are about a process; theirs is the last one, is named `build`, and has ended or not. */
const ENDED = ['attach', 'complete', 'exec', 'inspect', 'logs', 'ps', 'sessions', 'wait'];
const RUNNING = ['kill', 'stop'];

/** The first command that a line has. */
const firstCommand = (line: string): string => /\brunlet (\S+)/.exec(line)?.[1] ?? '';

const needsServer = (line: string): boolean =>
  !ALONE.includes(firstCommand(line)) || line.includes('$SERVER');

/** Whoever tries an example, and what has to be there for it. */
async function exampleUser(line: string): Promise<CliUser & { readonly session?: string }> {
  if (!needsServer(line)) return cliUser({ kind: 'unix', path: '/nonexistent' });
  const { address } = await serveHere();
  const user = await cliUser(address);
  if (RUNNING.includes(firstCommand(line))) {
    const { session } = await user.start('--id', 'build', '--label', 'job=build', 'sleep', '1000');
    return { ...user, session };
  }
  if (!ENDED.includes(firstCommand(line)) && !line.includes('$SESSION')) return user;
  const { session: id } = await user.start('--id', 'build', '--', 'echo', 'building');
  const session = await connectTo(address).session({ id, ifAttached: 'share' });
  await (await session.process('build')).closed;
  return { ...user, session: id };
}

/** Runs an example in a shell, with nothing on its standard input. */
async function startExample(command: string): Promise<ChildProcess> {
  const user = await exampleUser(command);
  // By itself, as it is installed: Node.js would take `--env-file` for its own.
  const script = `runlet() { "$MAIN" "$@"; }; ${command}`;
  const env = {
    ...user.env,
    MAIN,
    SERVER: user.env['RUNLET_ADDRESS'],
    SESSION: user.session,
    FOLDER: user.folder,
    // What needs no server finds none.
    ...(needsServer(command) ? {} : { RUNLET_ADDRESS: '' }),
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
  const child = await startExample(command);
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

describe.each(COMMANDS.map(({ command, words }) => ({ name: words.join(' '), command })))(
  'the examples of runlet $name',
  ({ command }) => {
    it.each(allExamplesOf(command))('work: $command', tryExample);
  },
);

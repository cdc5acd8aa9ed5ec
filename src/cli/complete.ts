import { setTimeout } from 'node:timers/promises';
import { Argument, Command, Option } from 'commander';
import type { ProcessInfo, RunletClient } from '../client/index.ts';
import { seconds } from './arguments.ts';
import { ASKED, type Asked } from './completion/asked.ts';
import { addExamples } from './examples.ts';
import { allProcesses } from './find-process.ts';
import { commandText, printable } from './human-text.ts';
import { printLine } from './print.ts';
import { secureExample } from './secure-example.ts';
import { addServerOptions, type ServerFlags, withServer } from './server-connection.ts';

/** How long a shell that completes a word waits for the server, in seconds. */
const DEFAULT_SECONDS = 0.1;

/** Characters of a description. */
const DESCRIPTION_LENGTH = 60;

interface CompleteFlags extends ServerFlags {
  readonly within: number;
}

/** What can be typed, and what it is. */
type Candidate = readonly [word: string, description: string];

/** `runlet complete`: what the server has, for the scripts of `runlet completion`. */
export function completeCommand(): Command {
  const command = addServerOptions(new Command('complete'))
    .addOption(
      new Option('--within <duration>', 'how long the server may take')
        .argParser(seconds)
        .default(DEFAULT_SECONDS),
    )
    .addArgument(new Argument('<what>', 'what is completed').choices(ASKED))
    .action(complete);
  return addExamples(
    command,
    [
      {
        command: 'runlet complete --address "$SERVER" --within 10s sessions',
        does: 'See the sessions',
        code: 0,
        prints: /^[0-9a-f-]{36}\tprocesses: 1\n$/,
      },
    ],
    [secureExample('complete', '--within 10s sessions', /\tprocesses: 1\n/)],
  );
}

/** Silent and successful whatever happens: somebody is typing. */
async function complete(what: Asked, flags: CompleteFlags): Promise<void> {
  const asking = withServer(flags, (client) => candidates(client, what));
  const late = setTimeout(flags.within * 1000, []);
  const found = await Promise.race([asking, late]).catch(() => []);
  // Whatever would be more than a word, or than its line, is left out.
  const words = found.filter(([word]) => word !== '' && word === printable(word));
  for (const [word, description] of words) {
    await printLine(`${word}\t${printable(description).slice(0, DESCRIPTION_LENGTH)}`);
  }
}

async function candidates(client: RunletClient, what: Asked): Promise<readonly Candidate[]> {
  switch (what) {
    case 'sessions':
      return sessions(client);
    case 'running':
      return (await allProcesses(client)).filter(({ exit }) => exit === undefined).map(named);
    case 'processes':
      return (await allProcesses(client)).map(named);
    case 'places':
      return [...(await allProcesses(client)).map(named), ...(await sessions(client))];
    case 'labels':
      return labels(await allProcesses(client));
    case 'profiles': {
      const { sandbox } = (await client.info()).capabilities;
      return (sandbox?.profiles ?? []).map((name) => [name, '']);
    }
    case 'filters': {
      const states = ['running', 'exited', 'closed'].map((state) => `state=${state}`);
      const found = labels(await allProcesses(client)).map(([label]) => `label=${label}`);
      return [...states, ...found].map((filter) => [filter, '']);
    }
  }
}

async function sessions(client: RunletClient): Promise<readonly Candidate[]> {
  const all = await client.sessions();
  return all.map(({ id, processCount }) => [id, `processes: ${processCount}`]);
}

function named({ argv, id }: ProcessInfo): Candidate {
  return [id, commandText(argv)];
}

function labels(processes: readonly ProcessInfo[]): readonly Candidate[] {
  const all = processes.flatMap((process) => Object.entries(process.labels));
  return [...new Set(all.map(([name, value]) => `${name}=${value}`))].map((label) => [label, '']);
}

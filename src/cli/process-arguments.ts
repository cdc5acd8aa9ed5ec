import type { Command } from 'commander';
import { collect, nonEmpty } from './arguments.ts';
import { addServerOptions } from './server-connection.ts';

/** Adds what every command about some processes has: where they are, and which. */
export function addProcessArguments(command: Command): Command {
  return addServerOptions(command)
    .option('--session <id>', 'the session of the processes (default: the last one)', nonEmpty)
    .argument(
      '[process...]',
      'their ids or the beginnings of them (default: the last one)',
      (text, earlier?: readonly string[]) => collect(nonEmpty(text), earlier),
    );
}

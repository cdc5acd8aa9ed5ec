import { Command } from 'commander';
import { VERSION } from '../version.ts';
import { runCommand } from './run.ts';
import { serveCommand } from './serve.ts';

/** The whole command line. Parsing it throws commander's errors, and those of commands. */
export function createProgram(): Command {
  const program = new Command('runlet')
    .description('Runs processes and never loses their output.')
    .version(VERSION)
    .configureHelp({ showGlobalOptions: true });
  const commands = [serveCommand(), runCommand()];
  for (const command of commands) program.addCommand(command);
  throwInsteadOfExit(program);
  return program;
}

function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const inner of command.commands) throwInsteadOfExit(inner);
}

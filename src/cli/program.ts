import { Command } from 'commander';
import { VERSION } from '../version.ts';
import { attachCommand } from './attach.ts';
import { completionCommand } from './completion.ts';
import { conformanceCommand } from './conformance.ts';
import { endLeftoversCommand } from './end-leftovers.ts';
import { execCommand } from './exec.ts';
import { infoCommand } from './info.ts';
import { inspectCommand } from './inspect.ts';
import { killCommand, stopCommand } from './kill.ts';
import { logsCommand } from './logs.ts';
import { sayAsIs } from './print.ts';
import { psCommand } from './ps.ts';
import { runCommand } from './run.ts';
import { serveCommand } from './serve.ts';
import { sessionsCommand } from './sessions.ts';
import { startCommand } from './start.ts';
import { versionCommand } from './version.ts';
import { waitCommand } from './wait.ts';

/** The whole command line. Parsing it throws commander's errors, and those of commands. */
export function createProgram(): Command {
  const program = new Command('runlet')
    .description('Runs processes and never loses their output.')
    .version(VERSION, '-v, --version')
    // So that `run` ends them where the program begins.
    .enablePositionalOptions()
    .configureHelp({ showGlobalOptions: true });
  const commands = [
    serveCommand(),
    runCommand(),
    startCommand(),
    execCommand(),
    attachCommand(),
    logsCommand(),
    waitCommand(),
    psCommand(),
    inspectCommand(),
    stopCommand(),
    killCommand(),
    sessionsCommand(),
    infoCommand(),
    versionCommand(),
    conformanceCommand(),
    completionCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  program.addCommand(endLeftoversCommand(), { hidden: true });
  throwInsteadOfExit(program);
  return program;
}

/** What it has to say of wrong arguments is said before. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride().configureOutput({ writeErr: sayAsIs });
  for (const inner of command.commands) throwInsteadOfExit(inner);
}

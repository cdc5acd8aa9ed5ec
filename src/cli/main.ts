#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { VERSION } from '../version.ts';
import { fail, USAGE_EXIT_CODE } from './failure.ts';
import { runCommand } from './run.ts';
import { serveCommand } from './serve.ts';

const program = new Command('runlet')
  .description('Runs processes and never loses their output.')
  .version(VERSION)
  .exitOverride()
  .configureHelp({ showGlobalOptions: true })
  .addCommand(serveCommand().exitOverride())
  .addCommand(runCommand().exitOverride());

try {
  await program.parseAsync();
} catch (error) {
  // Commander has said what is wrong; asking for help or the version is no error.
  if (error instanceof CommanderError)
    process.exitCode = error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
  else fail(error);
}

import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { InheritName, ProcessSpec } from '../client/index.ts';
import { collect, positiveSeconds } from './arguments.ts';
import { findOwnTerminal } from './own-terminal.ts';

/** The flags that say what to run, and how. */
export interface SpecFlags {
  readonly cwd?: string;
  readonly tty?: boolean;
  readonly timeout?: number;
  readonly env?: readonly string[];
  readonly envPolicy?: InheritName;
  readonly envExclude?: readonly string[];
  readonly envIncludeOnly?: readonly string[];
  readonly ignoreDefaultExcludes?: boolean;
  readonly mergeStderr?: boolean;
}

const POLICIES: readonly InheritName[] = ['all', 'core', 'none'];

/** Adds them to a command, with its arguments: the program and its own. */
export function addSpecOptions(command: Command): Command {
  return command
    .option('--cwd <path>', "the working directory (default: this one, or a remote server's own)")
    .option(
      '--env <name[=value]>',
      'a variable for the process; without a value, it has that of this one. May be given again',
      collect,
    )
    .addOption(
      new Option(
        '--env-policy <which>',
        'which variables of the server it gets (default: core, and all of this program on a server of its own)',
      ).choices(POLICIES),
    )
    .option(
      '--env-exclude <pattern>',
      'names of variables that it does not get, as *_PROXY. May be given again',
      collect,
    )
    .option(
      '--env-include-only <pattern>',
      'names of the only ones that it does get, but for --env. May be given again',
      collect,
    )
    .option(
      '--ignore-default-excludes',
      'with --env-policy, let through names that match *KEY*, *SECRET* or *TOKEN*',
    )
    .option('--timeout <seconds>', 'end it after this time', positiveSeconds)
    .option('--merge-stderr', 'send its standard error where its standard output goes')
    .option(
      '-t, --tty',
      'run it on a terminal, which has the size of this one and gets every key, Ctrl-C too',
    )
    .argument('<argv...>', 'the program and its arguments, after --');
}

/**
 * What the flags say. `own`: the server is this program's own, so that its variables and
 * its working directory are meant; otherwise none of this machine's are.
 */
export function specOf(argv: readonly string[], flags: SpecFlags, own: boolean): ProcessSpec {
  // Where nothing is said, a server of our own takes the one that it shares with us.
  const cwd = own && flags.cwd !== undefined ? resolve(flags.cwd) : flags.cwd;
  return {
    argv,
    env: variables(flags.env ?? []),
    envPolicy: {
      inherit: flags.envPolicy ?? (own ? 'all' : 'core'),
      // What a shell would pass on is passed on, unless somebody asks for a policy.
      ignoreDefaultExcludes: flags.ignoreDefaultExcludes ?? (own && flags.envPolicy === undefined),
      exclude: flags.envExclude ?? [],
      includeOnly: flags.envIncludeOnly ?? [],
    },
    mergeStderr: flags.mergeStderr ?? false,
    ...(cwd === undefined ? {} : { cwd }),
    ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout * 1000 }),
    ...(flags.tty === true ? { terminal: terminalLikeOurs() } : {}),
  };
}

function terminalLikeOurs(): NonNullable<Exclude<ProcessSpec['terminal'], boolean>> {
  const term = process.env['TERM'];
  return {
    ...findOwnTerminal()?.size(),
    ...(term === undefined || term === '' ? {} : { term }),
  };
}

/** Variables, of `NAME=VALUE` and of names that are looked up here; one that is not set is not. */
function variables(given: readonly string[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (const text of given) {
    const end = text.indexOf('=');
    const name = end === -1 ? text : text.slice(0, end);
    const value = end === -1 ? process.env[name] : text.slice(end + 1);
    if (value !== undefined) result[name] = value;
  }
  return result;
}

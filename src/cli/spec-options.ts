import { isAbsolute, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { InheritName, ProcessSpec, ResourceLimits, SandboxOptions } from '../client/index.ts';
import type { Environment } from '../environment/env-policy.ts';
import { ownWorkingDirectory } from '../environment/own-environment.ts';
import {
  collect,
  collectAssignment,
  collectVariable,
  nonEmpty,
  positiveSeconds,
  seconds,
} from './arguments.ts';
import { addHelpAll } from './help-all.ts';
import { collectLimit, LIMIT_NAMES } from './limit-flag.ts';
import { systemText, systemVariables } from './own-bytes.ts';
import { findOwnTerminal } from './own-terminal.ts';
import {
  addSandboxOptions,
  isVisible,
  type SandboxFlags,
  SELDOM_SANDBOX_FLAGS,
  sandboxOf,
} from './sandbox-flags.ts';
import { UsageError } from './usage-error.ts';
import { givenVariables, ownVariables } from './variables.ts';

/** The flags that say what to run, and how. */
export interface SpecFlags extends SandboxFlags {
  readonly cwd?: string;
  readonly user?: string;
  readonly envFile?: readonly string[];
  readonly label?: Readonly<Record<string, string>>;
  readonly limit?: ResourceLimits;
  readonly drainTimeout?: number;
  readonly tty?: boolean;
  readonly timeout?: number;
  readonly env?: readonly string[];
  readonly envPolicy?: InheritName;
  readonly envExclude?: readonly string[];
  readonly envIncludeOnly?: readonly string[];
  readonly ignoreDefaultExcludes?: boolean;
  readonly mergeStderr?: boolean;
}

/** Those that its help shows where all is asked for. */
const SELDOM_FLAGS = [
  '--env-exclude',
  '--env-include-only',
  '--env-policy',
  '--ignore-default-excludes',
  '--limit',
  '--drain-timeout',
  '--merge-stderr',
  '--reconnect-for',
  '--user',
  ...SELDOM_SANDBOX_FLAGS,
  '--retention',
  '--retained-bytes',
  '--overflow',
];

const POLICIES: readonly InheritName[] = ['all', 'core', 'none'];

/**
 * Adds them to a command, with its arguments: the program and its own. Flags of the command end
 * where the program begins.
 */
export function addSpecOptions(command: Command): Command {
  command
    .passThroughOptions()
    .option(
      '-w, --cwd <path>',
      "the working directory (default: this one, or another user's or machine's server's own)",
    )
    .option(
      '-u, --user <name>',
      'run it as this user of the machine, by name or number (default: as the server runs)',
      nonEmpty,
    )
    .option(
      '-e, --env <name[=value]>',
      'a variable for the process; without a value, it has that of this one. May be given again',
      collectVariable,
    )
    .option(
      '--env-file <path>',
      'a file with such a variable on each line; # begins a comment. May be given again',
      collect,
    )
    .addOption(
      new Option(
        '--env-policy <which>',
        "which variables of the server it gets (default: core, and on one's own server those of this program)",
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
    .option(
      '--label <name=value>',
      'a label, which `runlet ps` shows and finds it by. May be given again',
      collectAssignment,
    )
    .option(
      '--limit <name=value>',
      `what it and each of its own may use: ${LIMIT_NAMES.join(', ')}. May be given again`,
      collectLimit,
    )
    .option('--timeout <duration>', 'end it after this time (default: none)', positiveSeconds)
    .option(
      '--drain-timeout <duration>',
      'how long after its exit output is read of what it left behind (default: to the end)',
      seconds,
    )
    .option('--merge-stderr', 'send its standard error where its standard output goes')
    .option(
      '-t, --tty',
      'run it on a terminal, which has the size of this one and gets every key, Ctrl-C too',
    )
    .argument('<program...>', 'the program and its arguments; all that follows it is its own');
  return addHelpAll(addSandboxOptions(command), SELDOM_FLAGS);
}

/**
 * Whose server it is: this command's `own`, one of the same user on this machine (`local`), or
 * any other (`remote`), which is told nothing of this machine.
 */
export type ServerKind = 'own' | 'local' | 'remote';

/**
 * What the flags say. On one's own server the working directory and the variables are this
 * command's, as in a shell.
 *
 * @throws UsageError for a relative path on another machine
 * @throws Error if a file of variables cannot be read
 */
export async function specOf(
  argv: readonly string[],
  flags: SpecFlags,
  server: ServerKind,
): Promise<ProcessSpec> {
  const outside = workingDirectory(flags.cwd, server);
  const sandbox = sandboxOf(flags, { what: 'program', folder: folderFor(outside, server) });
  const cwd = sandbox === undefined ? outside : workingDirectoryIn(sandbox, flags, outside, server);
  const given = await givenVariables(flags.envFile ?? [], flags.env ?? []);
  // A server of our own has our variables; a local one has those of whoever started it.
  const ours = server === 'local' && flags.envPolicy === undefined;
  return {
    argv: argv.map(systemText),
    env: systemVariables(
      ours ? await variablesOf(flags, cwd, given, sandbox !== undefined) : given,
    ),
    envPolicy: {
      inherit: ours ? 'none' : (flags.envPolicy ?? (server === 'own' ? 'all' : 'core')),
      // What a shell would pass on is passed on, unless somebody asks for a policy.
      ignoreDefaultExcludes:
        flags.ignoreDefaultExcludes ?? (server === 'own' && flags.envPolicy === undefined),
      exclude: ours ? [] : (flags.envExclude ?? []),
      includeOnly: ours ? [] : (flags.envIncludeOnly ?? []),
    },
    mergeStderr: flags.mergeStderr ?? false,
    ...(cwd === undefined ? {} : { cwd: systemText(cwd) }),
    ...(flags.user === undefined ? {} : { user: flags.user }),
    ...(sandbox === undefined ? {} : { sandbox }),
    ...(flags.label === undefined ? {} : { labels: flags.label }),
    ...(flags.limit === undefined ? {} : { limits: flags.limit }),
    ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout * 1000 }),
    ...(flags.drainTimeout === undefined ? {} : { drainTimeoutMs: flags.drainTimeout * 1000 }),
    ...(flags.tty === true ? { terminal: terminalLikeOurs() } : {}),
  };
}

/**
 * This command's own. Those that say whose they are, are not for another user, and a sandbox has a
 * folder for temporary files of its own.
 */
async function variablesOf(
  flags: SpecFlags,
  cwd: string | undefined,
  given: Environment,
  inSandbox: boolean,
): Promise<Environment> {
  const variables = new Map(await ownVariables(flags, cwd, given));
  const others = [
    ...(flags.user === undefined ? [] : ['HOME', 'USER', 'LOGNAME', 'SHELL']),
    ...(inSandbox ? ['TMPDIR'] : []),
  ];
  for (const name of others) if (!given.has(name)) variables.delete(name);
  return variables;
}

/** What relative paths of a sandbox are in; undefined: another machine's, which nobody named. */
function folderFor(cwd: string | undefined, server: ServerKind): (() => string) | undefined {
  if (cwd !== undefined) return () => cwd;
  return server === 'remote' ? undefined : ownWorkingDirectory;
}

/**
 * Where it is run in a sandbox: in the folder that it would be in without one, if that was named, or
 * is there. A profile is taken to show it.
 */
function workingDirectoryIn(
  sandbox: SandboxOptions,
  { cwd: named }: SpecFlags,
  outside: string | undefined,
  server: ServerKind,
): string | undefined {
  if (named !== undefined || server === 'remote') return outside;
  let here = outside;
  try {
    here ??= ownWorkingDirectory();
  } catch {
    // It was removed, and nobody has asked for it.
    return undefined;
  }
  return sandbox.profile !== undefined || isVisible(sandbox, here) ? here : undefined;
}

function workingDirectory(given: string | undefined, server: ServerKind): string | undefined {
  if (server === 'remote') {
    if (given === undefined || isAbsolute(given)) return given;
    throw new UsageError(`--cwd ${given}: on another machine it has to be an absolute path`);
  }
  // A server of this command's own is in its working directory, also if that was removed.
  if (given === undefined && server === 'own') return undefined;
  return given !== undefined && isAbsolute(given)
    ? resolve(given)
    : resolve(ownWorkingDirectory(), given ?? '.');
}

function terminalLikeOurs(): NonNullable<Exclude<ProcessSpec['terminal'], boolean>> {
  const term = process.env['TERM'];
  return {
    ...findOwnTerminal()?.size(),
    ...(term === undefined || term === '' ? {} : { term }),
  };
}

import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type {
  RemoteFiles,
  SandboxNetworkName,
  SandboxOptions,
  SandboxPlaceName,
  SandboxRule,
  SystemText,
} from '../client/index.ts';
import { ownWorkingDirectory } from '../environment/own-environment.ts';
import { shownText } from '../system-text.ts';
import { collect, nonEmpty } from './arguments.ts';
import { addHelpAll } from './help-all.ts';
import { systemText } from './own-bytes.ts';
import { UsageError } from './usage-error.ts';

/** The flags that say what a process, or a command about files, can reach. */
export interface SandboxFlags {
  readonly sandbox?: string;
  readonly allowRead?: readonly string[];
  readonly allowWrite?: readonly string[];
  readonly deny?: readonly string[];
  readonly network?: SandboxNetworkName;
}

/** The long names of those that help shows where all is asked for. */
export const SELDOM_SANDBOX_FLAGS = ['--allow-read', '--deny', '--network'];

/** The same of commands about files. */
const SELDOM_OF_FILES = ['--allow-read', '--allow-write', '--deny'];

const PLACES: readonly SandboxPlaceName[] = ['platform', 'cwd', 'temp', 'root'];

/** The places, as they are typed. */
const PLACE_WORDS = PLACES.map((place) => `@${place}`).join(', ');

/** What a program needs that is to be run at all, and most that write nothing down for others. */
const OF_PROGRAMS: readonly SandboxRule[] = [
  { place: 'platform', access: 'read' },
  { place: 'temp', access: 'write' },
];

/** All that a profile allows. */
const OF_PROFILE: readonly SandboxRule[] = [
  { place: 'root', access: 'write' },
  { place: 'temp', access: 'write' },
];

const CWD: SandboxRule = { place: 'cwd', access: 'write' };

/** Adds them to a command that runs a program. */
export function addSandboxOptions(command: Command): Command {
  return addRuleOptions(
    command.option(
      '--sandbox <profile>',
      'run it in a sandbox, as the server has it by this name (default: in none)',
      nonEmpty,
    ),
    {
      read: `run it in a sandbox that lets it read this: a path, or one of ${PLACE_WORDS}. May be given again`,
      write: 'run it in a sandbox that lets it change this path. May be given again',
      deny: 'in its sandbox there is nothing here, of what it could reach. May be given again',
    },
  ).addOption(
    new Option(
      '--network <what>',
      'run it in a sandbox that reaches what the machine does, or nothing (default: none, or what --sandbox says)',
    ).choices(['none', 'host'] satisfies readonly SandboxNetworkName[]),
  );
}

/** Adds them to a command about files. */
export function addFileSandboxOptions(command: Command): Command {
  const withRules = addRuleOptions(
    command.option(
      '--sandbox <profile>',
      'reach only what the server lets a sandbox of this name reach (default: all)',
      nonEmpty,
    ),
    {
      read: 'reach only this, and do not change it: a path, or @cwd or @root. May be given again',
      write: 'reach only this. May be given again',
      deny: 'do not reach this, of what else could be reached. May be given again',
    },
  );
  return addHelpAll(withRules, SELDOM_OF_FILES);
}

function addRuleOptions(
  command: Command,
  say: { readonly read: string; readonly write: string; readonly deny: string },
): Command {
  return command
    .option('--allow-read <path>', say.read, collectRule)
    .option('--allow-write <path>', say.write, collectRule)
    .option('--deny <path>', say.deny, collectRule);
}

/** Adds a path or a place to those that were given before. */
function collectRule(text: string, earlier?: readonly string[]): readonly string[] {
  if (text.startsWith('@') && placeOf(text) === undefined) {
    throw new InvalidArgumentError(
      `it is none of the places ${PLACE_WORDS}; a path that begins so is written ./@`,
    );
  }
  return collect(nonEmpty(text), earlier);
}

function placeOf(text: string): SandboxPlaceName | undefined {
  return text.startsWith('@') ? PLACES.find((place) => place === text.slice(1)) : undefined;
}

/** What flags of a sandbox are about. */
export interface SandboxAbout {
  /** Programs need more than is asked for them. */
  readonly what: 'program' | 'files';
  /** The folder that relative paths are in, which is @cwd; undefined: there is none. */
  readonly folder: (() => string) | undefined;
}

/**
 * The sandbox that flags ask for, each of them by itself; undefined: none does.
 *
 * @throws UsageError for a path that means nothing on the server's machine
 */
export function sandboxOf(
  flags: SandboxFlags,
  { folder, what }: SandboxAbout,
): SandboxOptions | undefined {
  const { allowRead = [], allowWrite = [], deny = [], network, sandbox } = flags;
  const given: readonly SandboxRule[] = [
    ...allowRead.map((text) => ruleOf('--allow-read', text, 'read', folder)),
    ...allowWrite.map((text) => ruleOf('--allow-write', text, 'write', folder)),
    // Also where there is nothing: then nothing can be made there.
    ...deny.map((text) => ({ ...ruleOf('--deny', text, 'none', folder), missingOk: true })),
  ];
  if (given.length === 0 && network === undefined && sandbox === undefined) return undefined;
  const named = new Set(given.map(({ place }) => place));
  const always = alwaysOf(given, sandbox, { folder, what });
  return {
    rules: [...always.filter(({ place }) => !named.has(place)), ...given],
    ...(sandbox === undefined ? {} : { profile: sandbox }),
    ...(network === undefined ? {} : { network }),
  };
}

/**
 * What flags let be reached of the files of a server.
 *
 * @throws UsageError
 */
export function filesWithin(
  flags: SandboxFlags,
  server: 'local' | 'remote',
): (files: RemoteFiles) => RemoteFiles {
  const folder = server === 'local' ? ownWorkingDirectory : undefined;
  const sandbox = sandboxOf(flags, { what: 'files', folder });
  if (sandbox === undefined) return (files) => files;
  // A profile may mean it, too.
  const needsFolder =
    sandbox.profile !== undefined || sandbox.rules?.some(({ place }) => place === 'cwd') === true;
  const cwd = needsFolder && folder !== undefined ? { cwd: systemText(folder()) } : {};
  return (files) => files.within({ ...sandbox, ...cwd });
}

/** What is there without being asked for, unless it is. */
function alwaysOf(
  given: readonly SandboxRule[],
  profile: string | undefined,
  { folder, what }: SandboxAbout,
): readonly SandboxRule[] {
  const isNarrowed = profile !== undefined && given.every(({ access }) => access === 'none');
  // Without a rule a profile is as it is; with one it allows nothing else than rules do.
  if (isNarrowed && given.length === 0) return [];
  // In a folder for temporary files, too, which @temp would hide.
  if (isNarrowed) return folder === undefined ? OF_PROFILE : [...OF_PROFILE, CWD];
  return what === 'program' ? OF_PROGRAMS : [];
}

function ruleOf(
  flag: string,
  text: string,
  access: SandboxRule['access'],
  folder: SandboxAbout['folder'],
): SandboxRule {
  const place = placeOf(text);
  const isAbsolute = text.startsWith('/');
  if (folder === undefined && !isAbsolute && (place === undefined || place === 'cwd')) {
    const given = shownText(text);
    throw new UsageError(`${flag} ${given}: on another machine it has to be an absolute path`);
  }
  if (place !== undefined) return { place, access };
  const path = isAbsolute || folder === undefined ? text : `${folder()}/${text}`;
  // `a/..` is not the folder that `a` is in where that is a link.
  const isPlain = !path.split('/').includes('..');
  return { path: systemText(isPlain ? resolve(path) : path), access };
}

/**
 * Whether a folder can be seen in a sandbox, as far as paths tell it: links are not followed, and
 * what a profile says is not known.
 */
export function isVisible({ rules = [] }: SandboxOptions, folder: string): boolean {
  const here = `${comparable(systemText(folder))}/`;
  let [longest, visible] = [-1, false];
  for (const rule of rules) {
    const path = rule.path === undefined ? PLACE_PATHS[rule.place] : comparable(rule.path);
    // The folder itself, and longer than any path that it is in.
    const length = rule.place === 'cwd' ? Number.POSITIVE_INFINITY : (path?.length ?? 0);
    const isIn = path === undefined || path === '/' || here.startsWith(`${path}/`);
    if (!isIn || length < longest) continue;
    // A private one is not the one that this folder is in.
    const shows = rule.access !== 'none' && rule.place !== 'temp';
    visible = length === longest ? visible && shows : shows;
    longest = length;
  }
  return visible;
}

/** A path as a text of bytes. */
function comparable(path: SystemText): string {
  return Buffer.from(path as Uint8Array).toString('latin1');
}

/** Where places are; undefined: it is any folder. */
const PLACE_PATHS: Readonly<Record<SandboxPlaceName, string | undefined>> = {
  platform: '/usr',
  cwd: undefined,
  temp: '/tmp',
  root: '/',
};

import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RunTool } from '../process/users/run-tool.ts';

/** A bwrap(1) that sandboxes can be made with. */
export interface Bubblewrap {
  /** Its path, without links. */
  readonly program: string;
  readonly version: string;
  /** Whether it can keep what is inside from making namespaces of users: `--disable-userns`. */
  readonly disablesUserNamespaces: boolean;
}

/** Why there is none: at which step, by which error of the system, empty if none. */
export interface NoBubblewrap {
  readonly step: 'find' | 'owner' | 'setuid' | 'version';
  readonly errnoName: string;
  /** The same for people. */
  readonly problem: string;
}

/** Where it is looked for. A PATH could name other places. */
const FOLDERS = ['/usr/bin', '/bin', '/usr/local/bin'];

/**
 * What it has to be able to do. Of upstream's versions 0.10.0 was the first that can do all of it;
 * distributions have added `--bind-fd` to older ones, so that a version says nothing of that.
 */
const NEEDED = [
  ...['--args', '--as-pid-1', '--bind-fd', '--cap-drop', '--dev', '--dir', '--file', '--perms'],
  ...[
    '--proc',
    '--remount-ro',
    '--ro-bind',
    '--ro-bind-data',
    '--ro-bind-fd',
    '--seccomp',
    '--size',
  ],
  ...['--symlink', '--tmpfs', '--unshare-cgroup-try', '--unshare-ipc', '--unshare-net'],
  ...['--unshare-pid', '--unshare-user', '--unshare-uts'],
];

/** Bits of a mode: set-user-ID, set-group-ID, executable, and writable for others than the owner. */
const SET_ID = 0o6000;
const EXECUTABLE = 0o111;
const WRITABLE = 0o022;

/**
 * Finds it: a program that root alone can change, and replace, since whatever is to be kept in a
 * sandbox must not be what makes it; and of a version that can do what sandboxes need.
 *
 * One that is set-user-ID is used by a server of root alone, for whom it is one like any other. To
 * other servers it would be a program of root, which they can neither look at nor end, and which
 * refuses to do some of what is needed.
 */
export async function findBubblewrap(run: RunTool): Promise<Bubblewrap | NoBubblewrap> {
  const found = await findProgram();
  if ('step' in found) return found;
  const { program, stats } = found;
  if ((stats.mode & SET_ID) !== 0 && process.geteuid?.() !== 0) {
    return no('setuid', 'EPERM', `${program} is set-user-ID, and this server is not root's`);
  }
  const version = await versionOf(run, program);
  if (version === undefined) {
    return no('version', '', `${program} does not say which version of bubblewrap it is`);
  }
  const options = await optionsOf(run, program);
  const missing = NEEDED.find((option) => !options.has(option));
  if (missing !== undefined) {
    return no('version', '', `${program} is bubblewrap ${version}, which has no ${missing}`);
  }
  return { program, version, disablesUserNamespaces: options.has('--disable-userns') };
}

interface Program {
  readonly program: string;
  readonly stats: Stats;
}

async function findProgram(): Promise<Program | NoBubblewrap> {
  let problem: NoBubblewrap | undefined;
  for (const folder of FOLDERS) {
    const found = await lookAt(`${folder}/bwrap`);
    if (found === undefined) continue;
    if (!('step' in found)) return found;
    problem ??= found;
  }
  return problem ?? no('find', 'ENOENT', `there is no bwrap in ${FOLDERS.join(', ')}`);
}

/** Undefined: there is no program. */
async function lookAt(path: string): Promise<Program | NoBubblewrap | undefined> {
  try {
    const program = await realpath(path);
    const stats = await stat(program);
    if (!stats.isFile() || (stats.mode & EXECUTABLE) === 0) return undefined;
    // Both where it is and where it was looked for: a link can be replaced as well.
    const folders = [...foldersOf(program), ...foldersOf(path)];
    for (const place of [program, ...folders]) {
      if (!isRootsAlone(place === program ? stats : await stat(place))) {
        return no('owner', 'EPERM', `others than root can change ${place}`);
      }
    }
    return { program, stats };
  } catch {
    return undefined;
  }
}

function isRootsAlone({ mode, uid }: Stats): boolean {
  return uid === 0 && (mode & WRITABLE) === 0;
}

/** The folders that a path is in, and those are in. */
function foldersOf(path: string): readonly string[] {
  const folder = dirname(path);
  return folder === path ? [] : [folder, ...foldersOf(folder)];
}

/** Undefined: it does not say. */
async function versionOf(run: RunTool, program: string): Promise<string | undefined> {
  const { code, stdout } = await run(program, ['--version']).catch(() => NOTHING);
  return code === 0 ? /^bubblewrap (\d+(?:\.\d+)+)\s*$/.exec(stdout)?.[1] : undefined;
}

/** The options that its help names. */
async function optionsOf(run: RunTool, program: string): Promise<ReadonlySet<string>> {
  const { stdout } = await run(program, ['--help']).catch(() => NOTHING);
  return new Set([...stdout.matchAll(/^\s+(--[a-z0-9-]+)/gm)].map(([, option = '']) => option));
}

const NOTHING = { code: undefined, stdout: '' };

function no(step: NoBubblewrap['step'], errnoName: string, problem: string): NoBubblewrap {
  return { step, errnoName, problem };
}

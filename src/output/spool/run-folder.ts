import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, type Stats } from 'node:fs';
import { lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isFileOf, isLocked, lockDescriptor } from '../../file-lock.ts';
import { ensureUnsharedFolder } from '../../private-folder.ts';
import { SPOOL_OWNERLESS_MS } from '../sizes.ts';
import { formatOwner, isAlive, parseOwner, thisOwner } from './run-owner.ts';

/** The folder of one server run. */
export interface RunFolder {
  readonly path: string;
  /** Makes it again if somebody removed it. */
  restore(): Promise<void>;
  /** Removes it with all that is in it. */
  remove(): Promise<void>;
}

/** How run folders are swept. */
export interface SweepOptions {
  /** The time, in milliseconds since 1970. */
  readonly now: number;
  /** Told why a folder could not be looked at or removed. */
  readonly onProblem: (problem: unknown) => void;
  /** How long the latest that holds output is kept, from its last change on. */
  readonly keepMs: number;
}

/** What a server left that did not end in order. */
export interface LeftBehind {
  readonly path: string;
  /** When it was changed last, in milliseconds since 1970. */
  readonly changedMs: number;
}

/** The file that tells whose folder it is. */
const OWNER_FILE = 'owner';

/** Ends the name of a folder that has no owner file yet. */
const UNFINISHED = '.new';

/** What is in a run folder: `run` is output, `files` tells of files that are not whole. */
export type RunKind = 'run' | 'files';

/** The names of run folders, unfinished ones too. */
function namePattern(kind: RunKind): RegExp {
  return new RegExp(`^${kind}-\\d+-[0-9a-f]{16}(\\.new)?$`);
}

/**
 * Makes the folder of this run, and the state folder if it is missing.
 *
 * @throws Error if the state folder cannot be made, or belongs to or can be written to by others
 */
export async function createRunFolder(
  stateFolder: string,
  kind: RunKind = 'run',
): Promise<RunFolder> {
  const path = join(stateFolder, `${kind}-${process.pid}-${randomBytes(8).toString('hex')}`);
  let run: MadeFolder | undefined = await makeRunFolder(stateFolder, path);
  let restoring: Promise<void> | undefined;
  return {
    path,
    restore() {
      restoring ??= restore(stateFolder, path)
        .then((made) => {
          if (made === undefined) return;
          if (run !== undefined) closeSync(run.owner);
          run = made;
        })
        .finally(() => {
          restoring = undefined;
        });
      return restoring;
    },
    async remove() {
      const made = run;
      run = undefined;
      if (made === undefined) return;
      // One that somebody put in its place is not ours to remove.
      if (isFileOf(path, made.folder)) await removeRunFolder(path);
      closeSync(made.owner);
    },
  };
}

/**
 * Removes the folders of runs whose server is gone, but for the latest that holds output, which
 * somebody may want to read: returns it. Leaves alone whatever is not named like one and
 * links, wherever they lead. Never rejects.
 */
export async function sweepRunFolders(
  stateFolder: string,
  { keepMs, now, onProblem }: SweepOptions,
): Promise<LeftBehind | undefined> {
  let kept: LeftBehind | undefined;
  for (const path of await staleRunFolders(stateFolder, 'run', { now, onProblem })) {
    try {
      const changedMs = Math.min(await lastOutput(path), now);
      const isLatest = changedMs > Math.max(now - keepMs, kept?.changedMs ?? 0);
      const goes = isLatest ? kept?.path : path;
      if (isLatest) kept = { path, changedMs };
      if (goes !== undefined) await removeRunFolder(goes);
    } catch (error) {
      onProblem(error);
    }
  }
  return kept;
}

/** The folders of some kind whose server is gone. Never rejects. */
export async function staleRunFolders(
  stateFolder: string,
  kind: RunKind,
  { now, onProblem }: Omit<SweepOptions, 'keepMs'>,
): Promise<readonly string[]> {
  const names = await readdir(stateFolder).catch((error: unknown) => {
    onProblem(error);
    return [];
  });
  const stale: string[] = [];
  const pattern = namePattern(kind);
  for (const name of names) {
    if (!pattern.test(name)) continue;
    const path = join(stateFolder, name);
    try {
      if (await isStale(path, now)) stale.push(path);
    } catch (error) {
      onProblem(error);
    }
  }
  return stale;
}

/** Removes a run folder with all that is in it, if it is there. */
export function removeRunFolder(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true });
}

/** When output was written to a run folder last, in milliseconds since 1970; 0: none is in it. */
async function lastOutput(path: string): Promise<number> {
  let last = 0;
  for (const name of await readdir(path)) {
    if (!name.endsWith('.seg')) continue;
    const { mtimeMs } = await lstat(join(path, name));
    last = Math.max(last, mtimeMs);
  }
  return last;
}

async function restore(stateFolder: string, path: string): Promise<MadeFolder | undefined> {
  const found = await lstat(path).catch(() => undefined);
  // Another log may have been faster.
  return found === undefined ? makeRunFolder(stateFolder, path) : undefined;
}

/** A run folder that was made. */
interface MadeFolder {
  readonly folder: Stats;
  /**
   * The file that tells its owner, which is locked as long as that runs: a pid tells nothing
   * to a server in another container.
   */
  readonly owner: number;
}

/** The folder gets its name when its owner is told in it, so that nobody takes it for stale. */
async function makeRunFolder(stateFolder: string, path: string): Promise<MadeFolder> {
  await ensureUnsharedFolder(stateFolder);
  const unfinished = `${path}${UNFINISHED}`;
  try {
    await mkdir(unfinished, { mode: 0o700 });
    const owner = formatOwner(await thisOwner());
    await writeFile(join(unfinished, OWNER_FILE), owner, { flag: 'wx', mode: 0o600 });
    const descriptor = openSync(join(unfinished, OWNER_FILE), 'r');
    lockDescriptor(descriptor);
    await rename(unfinished, path);
    return { folder: await lstat(path), owner: descriptor };
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true }).catch(() => {});
    throw error;
  }
}

async function isStale(path: string, now: number): Promise<boolean> {
  const found = await lstat(path);
  if (!found.isDirectory()) return false;
  const flag = constants.O_RDONLY | constants.O_NOFOLLOW;
  const text = await readFile(join(path, OWNER_FILE), { encoding: 'utf8', flag }).catch(() => '');
  const owner = parseOwner(text);
  if (isLocked(join(path, OWNER_FILE))) return false;
  // Its server may be about to write the file.
  if (owner === undefined) return now - found.mtimeMs > SPOOL_OWNERLESS_MS;
  return !(await isAlive(owner));
}

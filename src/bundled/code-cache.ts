import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { cachedDataVersionTag } from 'node:v8';
import { assertPrivateFolderSync, makeFolderSync } from '../private-folder.ts';
import type { Chunk } from './chunks.ts';

/** So many builds and versions of Node.js have their code kept; each is some 3 MB. */
const KEPT = 8;

/** Code that an earlier run has left compiled. */
export interface CodeCache {
  read(chunk: string): Buffer | undefined;
  /** What was read of a chunk is none that V8 takes. */
  reject(chunk: string): void;
  /** Leaves what was loaded, unless it is there. Never throws. */
  keep(chunks: ReadonlyMap<string, Chunk>): void;
}

/**
 * The cache of a build, where the user has one, unless there shall be none. What is in it is run,
 * so it is in a folder that only this user can use. See docs/performance.md.
 *
 * V8 has a number for all that compiled code depends on, its version and flags; that it looks at
 * the length of the source alone is what `build` is for.
 */
export function codeCache(env: NodeJS.ProcessEnv, build: string): CodeCache | undefined {
  const parent = env['NODE_DISABLE_COMPILE_CACHE'] ? undefined : parentFolder(env);
  if (parent === undefined) return undefined;
  const tag = cachedDataVersionTag();
  const folder = join(parent, `${tag.toString(16)}-${build}`);
  const missing = new Set<string>();
  const safe = isPrivate(parent);
  return {
    read(chunk) {
      try {
        if (safe) return readFileSync(join(folder, chunk));
      } catch {
        // Nobody left it.
      }
      missing.add(chunk);
      return undefined;
    },
    reject(chunk) {
      // Of other flags, which a program can change: it is right for those who begin with the same.
      if (cachedDataVersionTag() === tag) missing.add(chunk);
    },
    keep(chunks) {
      if (missing.size === 0 || cachedDataVersionTag() !== tag) return;
      try {
        makeFolderSync(parent);
        if (!isPrivate(parent)) return;
        removeOldest(parent);
        makeFolderSync(folder);
        for (const chunk of missing) {
          const script = chunks.get(chunk)?.script;
          if (script !== undefined) write(join(folder, chunk), script.createCachedData());
        }
      } catch {
        // It only takes longer without.
      }
    },
  };
}

/** Undefined: there is none. Node.js would take the folder for temporary files, which is anybody's. */
function parentFolder(env: NodeJS.ProcessEnv): string | undefined {
  const chosen = env['NODE_COMPILE_CACHE'];
  if (chosen) return join(chosen, 'runlet');
  const cache = env['XDG_CACHE_HOME'];
  if (cache !== undefined && isAbsolute(cache)) return join(cache, 'runlet');
  const home = homedir();
  return isAbsolute(home) && home !== '/' ? join(home, '.cache', 'runlet') : undefined;
}

function isPrivate(folder: string): boolean {
  try {
    assertPrivateFolderSync(folder);
    return true;
  } catch {
    return false;
  }
}

function removeOldest(parent: string): void {
  const builds = readdirSync(parent).map((name) => {
    const path = join(parent, name);
    return { path, time: statSync(path).mtimeMs };
  });
  builds.sort((a, b) => b.time - a.time);
  for (const { path } of builds.slice(KEPT - 1)) rmSync(path, { recursive: true, force: true });
}

/** Whoever reads it meanwhile, or after a failure of power, finds all of it or nothing. */
function write(path: string, data: Buffer): void {
  const unfinished = `${path}.${process.pid}`;
  const fd = openSync(unfinished, 'wx', 0o600);
  try {
    writeFileSync(fd, data);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(unfinished, path);
}

import { execFileSync, spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';

/** Whether limits of a process that runs can be changed here: by util-linux. */
export const HAS_PRLIMIT = spawnSync('prlimit', ['--version']).error === undefined;

/**
 * Lowers a soft limit of a process that runs, which its own user may do, as whom
 * root has to come; returns how to set it back.
 */
export function lowerLimit(
  pid: number,
  limit: 'fsize' | 'nofile' | 'nproc',
  value: number,
  user?: number,
): () => void {
  const identity = user === undefined ? {} : { uid: user, gid: user };
  const prlimit = (...args: readonly string[]): string =>
    execFileSync('prlimit', ['--pid', String(pid), ...args], {
      encoding: 'utf8',
      ...identity,
    }).trim();
  const before = prlimit(`--${limit}`, '--output', 'SOFT', '--noheadings', '--raw');
  prlimit(`--${limit}=${value}:`);
  return () => void prlimit(`--${limit}=${before}:`);
}

/** The limit that leaves a process so many descriptors to open. */
export async function limitThatLeaves(pid: number, free: number): Promise<number> {
  const open = new Set((await readdir(`/proc/${pid}/fd`)).map(Number));
  let limit = 0;
  for (let left = free; left > 0 || open.has(limit); limit++) if (!open.has(limit)) left -= 1;
  return limit;
}

import { join } from 'node:path';
import { parseMounts } from './mounts.ts';
import { ownCgroup, ownCgroupOf, withThoseAbove } from './own-cgroup.ts';
import type { ReadText } from './read-text.ts';

/** What bounds this program: its user's limits, a cgroup, the kernel, or what is there. */
export interface Bound {
  readonly most: number;
  readonly by: 'user' | 'cgroup' | 'kernel' | 'machine';
  /** Where it is set. */
  readonly where: string;
}

/** Two of the limits of open files of a process; infinite: there is none. */
export interface OpenFileLimits {
  readonly soft: number;
  readonly hard: number;
}

/** Whom a limit of the user's processes does not hold for, as far as the number tells. */
const ROOT = 0;

/** The limits of open files of this process; undefined: they are not told. */
export function openFileLimits(read: ReadText): OpenFileLimits | undefined {
  const limit = ownLimit(read, 'Max open files');
  return limit && { soft: limit[0], hard: limit[1] };
}

/** How many processes there can be beside this one, threads included, by what is the least. */
export function processBound(read: ReadText, uid: number | undefined): Bound | undefined {
  const user = uid === ROOT ? undefined : ownLimit(read, 'Max processes')?.[0];
  const kernel = ['pid_max', 'threads-max'].map((name) => `/proc/sys/kernel/${name}`);
  return least([
    ...(user === undefined ? [] : [{ most: user, by: 'user', where: 'RLIMIT_NPROC' } as const]),
    ...cgroupBounds(read, 'pids', 'pids.max', 'pids.max'),
    ...kernel.flatMap((where) => boundIn(read, 'kernel', where)),
  ]);
}

/** How much memory this program and all that it starts can have, in bytes. */
export function memoryBound(read: ReadText): Bound | undefined {
  const [, kib] = /^MemTotal:\s+(\d+) kB$/m.exec(read('/proc/meminfo') ?? '') ?? [];
  const where = '/proc/meminfo';
  return least([
    ...cgroupBounds(read, 'memory', 'memory.max', 'memory.limit_in_bytes'),
    ...(kib === undefined ? [] : [{ most: Number(kib) * 1024, by: 'machine', where } as const]),
  ]);
}

function cgroupBounds(
  read: ReadText,
  controller: string,
  file: string,
  file1: string,
): readonly Bound[] {
  const own = read('/proc/self/cgroup') ?? '';
  const mounts = parseMounts(read('/proc/self/mountinfo') ?? '');
  const folder = ownCgroup(own, mounts);
  const folder1 = ownCgroupOf(controller, own, mounts);
  const paths = [
    ...(folder === undefined ? [] : withThoseAbove(folder).map((path) => join(path, file))),
    ...(folder1 === undefined ? [] : withThoseAbove(folder1).map((path) => join(path, file1))),
  ];
  return paths.flatMap((path) => boundIn(read, 'cgroup', path));
}

function boundIn(read: ReadText, by: Bound['by'], where: string): readonly Bound[] {
  const text = read(where)?.trim() ?? '';
  const most = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  // Version 1 has a number that is near to that of the largest pages for none.
  return most <= Number.MAX_SAFE_INTEGER ? [{ most, by, where }] : [];
}

function least(bounds: readonly Bound[]): Bound | undefined {
  return bounds.reduce<Bound | undefined>(
    (found, bound) => (found === undefined || bound.most < found.most ? bound : found),
    undefined,
  );
}

function ownLimit(read: ReadText, name: string): readonly [number, number] | undefined {
  const lines = read('/proc/self/limits')?.split('\n') ?? [];
  const line = lines.find((one) => one.startsWith(name));
  const [soft, hard] = line?.slice(name.length).trim().split(/\s+/) ?? [];
  const value = (text: string): number =>
    text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text);
  return soft === undefined || hard === undefined ? undefined : [value(soft), value(hard)];
}

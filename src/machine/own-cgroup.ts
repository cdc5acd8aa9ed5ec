import { dirname, join, resolve } from 'node:path';
import type { Mount } from './mounts.ts';

/** A folder of cgroups(7) that a process is in. */
export interface CgroupFolder {
  readonly path: string;
  /** Where the file system is mounted: nothing above is to be seen. */
  readonly mountPoint: string;
}

/**
 * The folder of this process's cgroup of version 2; undefined: it is in none, or that is not
 * mounted.
 *
 * @param own what `/proc/self/cgroup` has
 */
export function ownCgroup(own: string, mounts: readonly Mount[]): CgroupFolder | undefined {
  const path = /^0::(\/.*)$/m.exec(own)?.[1];
  return path === undefined ? undefined : folderIn(path, mounts, ({ type }) => type === 'cgroup2');
}

/** The same of a controller of version 1, `memory` for example. */
export function ownCgroupOf(
  controller: string,
  own: string,
  mounts: readonly Mount[],
): CgroupFolder | undefined {
  for (const line of own.split('\n')) {
    const [, controllers = '', path] = /^\d+:([^:]+):(\/.*)$/.exec(line) ?? [];
    if (path === undefined || !controllers.split(',').includes(controller)) continue;
    const has = ({ options, type }: Mount): boolean =>
      type === 'cgroup' && options.includes(controller);
    return folderIn(path, mounts, has);
  }
  return undefined;
}

/** That folder and those above it, as far as they are to be seen: what one bounds holds below. */
export function withThoseAbove({ mountPoint, path }: CgroupFolder): readonly string[] {
  const folders: string[] = [];
  for (let folder = path; ; folder = dirname(folder)) {
    folders.push(folder);
    if (folder === mountPoint || folder === dirname(folder)) return folders;
  }
}

function folderIn(
  own: string,
  mounts: readonly Mount[],
  has: (mount: Mount) => boolean,
): CgroupFolder | undefined {
  for (const mount of mounts) {
    if (!has(mount)) continue;
    const { point, root } = mount;
    // Of the one at the top the path is a slash alone.
    if (root === '/') return { path: resolve(join(point, own)), mountPoint: point };
    if (own === root || own.startsWith(`${root}/`)) {
      return { path: resolve(join(point, own.slice(root.length))), mountPoint: point };
    }
  }
  return undefined;
}

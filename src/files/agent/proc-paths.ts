/* How functions of node:fs, which take paths, are told of what is open: by proc(5). */

/** What has a name in an open folder, for functions of `node:fs`. */
export function pathIn(folder: number, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), name]);
}

/** What a descriptor is of, for functions of `node:fs` that take a path: it is opened anew by it. */
export function pathOf(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}

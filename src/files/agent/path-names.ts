/* Paths as rows of names: path_resolution(7). */

const SLASH = 0x2f;

export const DOT = Buffer.from('.');
export const DOT_DOT = Buffer.from('..');

/** Whether a name is `.` or `..`. */
export function isDots(name: Buffer): boolean {
  return name.equals(DOT) || name.equals(DOT_DOT);
}

/** The names of a path, in order. */
export function namesOf(path: Buffer): Buffer[] {
  const names: Buffer[] = [];
  for (let from = 0; from < path.length; ) {
    const slash = path.indexOf(SLASH, from);
    const to = slash < 0 ? path.length : slash;
    if (to > from) names.push(path.subarray(from, to));
    from = to + 1;
  }
  return names;
}

/** The last name of a path, and what is before it. */
export function splitName(path: Buffer): { readonly folder: Buffer; readonly name: Buffer } {
  let end = path.length;
  while (end > 0 && path[end - 1] === SLASH) end -= 1;
  const start = path.subarray(0, end).lastIndexOf(SLASH) + 1;
  return { folder: path.subarray(0, start), name: path.subarray(start, end) };
}

/** Whether a path begins at `/`. */
export function isAbsolute(path: Buffer): boolean {
  return path[0] === SLASH;
}

/** Whether a path can only name a folder. */
export function endsAsFolder(path: Buffer): boolean {
  return path.at(-1) === SLASH || isDots(splitName(path).name);
}

/** A path below a folder, relative; undefined: it is not below. Both are absolute. */
export function pathBelow(path: Buffer, folder: Buffer): Buffer | undefined {
  let at = 0;
  for (const name of namesOf(folder)) {
    at = afterSlashes(path, at);
    const end = at + name.length;
    if (!path.subarray(at, end).equals(name)) return undefined;
    if (end < path.length && path[end] !== SLASH) return undefined;
    at = end;
  }
  return path.subarray(afterSlashes(path, at));
}

function afterSlashes(path: Buffer, from: number): number {
  let at = from;
  while (path[at] === SLASH) at += 1;
  return at;
}

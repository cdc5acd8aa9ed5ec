import { lstatSync, readFileSync, readlinkSync, type Stats } from 'node:fs';

/** What there is at a path; undefined: nothing. */
export function seen(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** The content of a file, or where a link leads; empty if there is neither. */
export function contentOf(path: string): string {
  const stats = seen(path);
  if (stats?.isSymbolicLink()) return readlinkSync(path);
  return stats?.isFile() ? readFileSync(path, 'latin1') : '';
}

/** Whether a path has what it had when this was called, and is still what it was. */
export function keptBy(path: string): () => boolean {
  const before = fingerprint(path);
  return () => fingerprint(path) === before;
}

function fingerprint(path: string): string {
  const stats = seen(path);
  return stats === undefined ? '' : `${stats.ino} ${stats.mode} ${contentOf(path)}`;
}

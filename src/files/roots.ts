import { closeSync, constants, openSync, realpathSync } from 'node:fs';
import { pathOfText, textOfBytes } from '../system-text.ts';

/** A folder that files are confined to. It can be cloned to another thread. */
export interface Root {
  /** Open as long as the server runs, so that the folder may be moved. */
  readonly descriptor: number;
  /** Its paths, texts of system-text.ts: as the operator wrote it, and without links. */
  readonly names: readonly string[];
}

/**
 * Opens the folders that files are confined to.
 *
 * @throws Error where one is none
 */
export function openRoots(paths: readonly string[]): readonly Root[] {
  const roots: Root[] = [];
  try {
    for (const path of paths) roots.push(openRoot(path));
  } catch (error) {
    closeRoots(roots);
    throw error;
  }
  // One inside of another comes first: its own path leads to it.
  return roots.sort((a, b) => longest(b) - longest(a));
}

/** Closes them. */
export function closeRoots(roots: readonly Root[]): void {
  for (const { descriptor } of roots) closeSync(descriptor);
}

function openRoot(path: string): Root {
  if (!path.startsWith('/')) throw new Error(`${path}: not an absolute path`);
  const canonical = realpathSync(pathOfText(path), { encoding: 'buffer' });
  const descriptor = openSync(canonical, constants.O_RDONLY | constants.O_DIRECTORY);
  const names = new Set([path.replace(/(?<=.)\/+$/, ''), textOfBytes(canonical)]);
  return { descriptor, names: [...names] };
}

function longest({ names }: Root): number {
  return Math.max(...names.map((name) => name.length));
}

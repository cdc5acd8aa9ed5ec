import { readFileSync } from 'node:fs';

/** Reads a small file of the kernel, which never waits; undefined: it cannot be read. */
export type ReadText = (path: string) => string | undefined;

/** Reads it of this machine. */
export const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

import { type BigIntStats, lstatSync } from 'node:fs';
import { MAX_SANDBOX_NAMES } from '../../limits.ts';
import { pathOfText } from '../../system-text.ts';
import { errnoNameOfError } from './sandbox-fault.ts';

/** What is at a path, a link as a link; or the name of the error with which it cannot be told. */
export type Looked = BigIntStats | string;

/** A search for paths, for all that it is given to: what it looked at, and found. */
export interface Search {
  /** When it began, by the clock of the machine. */
  readonly begunMs: number;
  /** How many names may be looked at. */
  names: number;
  /**
   * What was found at a path without links: the folders on the way are the same ones for most paths.
   */
  readonly seen: Map<string, Looked>;
  /** The folders that names were looked for in, paths of {@link seen}, before what is in them. */
  readonly entered: Set<string>;
  /** What links lead to, by their paths. */
  readonly targets: Map<string, string>;
}

/** @returns a search for as much as a sandbox may look at */
export function newSearch(): Search {
  return {
    begunMs: Date.now(),
    names: MAX_SANDBOX_NAMES,
    seen: new Map(),
    entered: new Set(),
    targets: new Map(),
  };
}

/** What is at a path without links, looked at once. */
export function lookedAt(path: string, { seen }: Search): Looked {
  const known = seen.get(path);
  if (known !== undefined) return known;
  const found = lookAt(path);
  seen.set(path, found);
  return found;
}

/** What is at a path at this moment. */
export function lookAt(path: string): Looked {
  try {
    // Much of what is looked for is not there on most machines: an error that is thrown costs more.
    return lstatSync(pathOfText(path), { bigint: true, throwIfNoEntry: false }) ?? 'ENOENT';
  } catch (error) {
    const errnoName = errnoNameOfError(error);
    if (errnoName === undefined) throw error;
    return errnoName;
  }
}

import { type BigIntStats, closeSync, constants, lstatSync, openSync, readlinkSync } from 'node:fs';
import {
  DOT,
  DOT_DOT,
  endsAsFolder,
  isAbsolute,
  isDots,
  namesOf,
} from '../../files/agent/path-names.ts';
import { O_PATH } from '../../files/agent/places.ts';
import { pathOf } from '../../files/agent/proc-paths.ts';
import { MAX_SANDBOX_NAMES } from '../../limits.ts';
import { bytesOfText, shownText, textOfBytes } from '../../system-text.ts';
import type { FoundLink } from '../mount-plan.ts';
import { ChangedError, errnoNameOfError, SandboxFault } from './sandbox-fault.ts';

/** Whom a path has to be reachable for. */
export interface Who {
  readonly uid: number;
  /** All its groups. */
  readonly gids: readonly number[];
}

/** Where a path leads. */
export interface FoundPath {
  /** The same without links, `.` and `..`. */
  readonly path: string;
  readonly kind: 'folder' | 'file' | 'device' | 'missing';
  /** How far it is there: `path` itself, unless it is missing. */
  readonly base: string;
  /** Of what is missing: whether `base` keeps who is inside from making it. */
  readonly fixed: boolean;
  /** Why it is missing: the name of an error of the system. */
  readonly errnoName: string;
  /** Links that it leads through. */
  readonly links: readonly FoundLink[];
}

/** How many names may be looked at, for all paths that it is given to. */
export interface Budget {
  names: number;
}

/** @returns what a sandbox may look at */
export function newBudget(): Budget {
  return { names: MAX_SANDBOX_NAMES };
}

/** Links on one way: MAXSYMLINKS of Linux. */
const MAX_LINKS = 40;

const S_IXUSR = 0o100n;
const S_IXGRP = 0o010n;
const S_IXOTH = 0o001n;

/**
 * Finds where a path leads, a name after the other. Whoever will be inside must be let through each
 * folder on the way, by its mode: it would not be, outside of a sandbox.
 *
 * @throws SandboxFault at what has no end, or the system fails at
 */
export function findPath(text: string, who: Who, budget: Budget): FoundPath {
  const given = bytesOfText(text);
  const left = namesOf(given).reverse();
  const links: FoundLink[] = [];
  const at: Buffer[] = [];
  let stats = look('/', text);
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    budget.names -= 1;
    if (budget.names < 0) throw new SandboxFault('limits', '', 'the rules name too much');
    const found = lookIn(at, name, stats, who);
    if (found === 'EACCES' || found === 'ENOENT' || found === 'ENOTDIR') {
      // A folder that its owner has closed can be opened again by the same.
      if (found === 'EACCES' && stats.uid === BigInt(who.uid)) throw pathFault(found, text);
      return missing({ at, rest: [name, ...left.reverse()], errnoName: found, links, text });
    }
    if (typeof found === 'string') throw pathFault(found, text);
    if (isDots(name)) {
      if (name.equals(DOT_DOT)) at.pop();
      stats = look(pathOfNames(at), text);
    } else if (found.isSymbolicLink()) {
      if (links.length >= MAX_LINKS) throw pathFault('ELOOP', text);
      const path = pathOfNames([...at, name]);
      const target = readLink(path, text);
      links.push({ path, target: textOfBytes(target) });
      if (isAbsolute(target)) at.length = 0;
      if (isAbsolute(target)) stats = look('/', text);
      left.push(...namesOf(target).reverse());
    } else {
      at.push(name);
      stats = found;
    }
  }
  if (endsAsFolder(given) && !stats.isDirectory()) throw pathFault('ENOTDIR', text);
  const path = pathOfNames(at);
  return { path, kind: kindOf(stats), base: path, fixed: false, errnoName: '', links };
}

/**
 * Opens what has a path, an absolute one without links, as `O_PATH`.
 *
 * @throws ChangedError it has another path now
 */
export function openFound(path: string): number {
  let found: number;
  try {
    found = openSync(bytesOfText(path), O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    const errnoName = errnoNameOfError(error);
    if (errnoName === 'ENOENT' || errnoName === 'ENOTDIR' || errnoName === 'ELOOP') {
      throw new ChangedError(path);
    }
    throw errnoName === undefined ? error : pathFault(errnoName, path);
  }
  try {
    if (textOfBytes(readlinkSync(pathOf(found), { encoding: 'buffer' })) === path) return found;
    throw new ChangedError(path);
  } catch (error) {
    closeSync(found);
    throw error;
  }
}

/** What the system says of a rule's path. */
export function pathFault(errnoName: string, path: string): SandboxFault {
  const step = errnoName === 'EMFILE' || errnoName === 'ENFILE' ? 'limits' : 'rule';
  return new SandboxFault(step, errnoName, `${shownText(path)}: ${errnoName}`);
}

interface Missing {
  readonly at: readonly Buffer[];
  readonly rest: readonly Buffer[];
  readonly errnoName: string;
  readonly links: readonly FoundLink[];
  readonly text: string;
}

function missing({ at, errnoName, links, rest, text }: Missing): FoundPath {
  // Nobody knows where `..` of what is not there leads.
  if (rest.some((name) => name.equals(DOT_DOT))) throw pathFault(errnoName, text);
  const names = rest.filter((name) => !name.equals(DOT));
  const base = pathOfNames(at);
  const path = pathOfNames([...at, ...names]);
  return { path, kind: 'missing', base, fixed: errnoName !== 'ENOENT', errnoName, links };
}

/** What has a name in a folder, or the name of the error with which it cannot be told. */
function lookIn(
  at: readonly Buffer[],
  name: Buffer,
  stats: BigIntStats,
  who: Who,
): BigIntStats | string {
  if (!stats.isDirectory()) return 'ENOTDIR';
  if (!maySearch(stats, who)) return 'EACCES';
  return lookOrError(pathOfNames(isDots(name) ? at : [...at, name]));
}

function look(path: string, text: string): BigIntStats {
  const found = lookOrError(path);
  if (typeof found === 'string') throw pathFault(found, text);
  return found;
}

function lookOrError(path: string): BigIntStats | string {
  try {
    return lstatSync(bytesOfText(path), { bigint: true });
  } catch (error) {
    const errnoName = errnoNameOfError(error);
    if (errnoName === undefined) throw error;
    return errnoName;
  }
}

/** The target of a link, which the system has to let us follow: `protected_symlinks` of proc_sys_fs(5). */
function readLink(path: string, text: string): Buffer {
  const bytes = bytesOfText(path);
  try {
    closeSync(openSync(bytes, O_PATH));
  } catch (error) {
    const errnoName = errnoNameOfError(error);
    if (errnoName === undefined) throw error;
    if (errnoName !== 'ENOENT' && errnoName !== 'ENOTDIR') throw pathFault(errnoName, text);
  }
  try {
    return readlinkSync(bytes, { encoding: 'buffer' });
  } catch (error) {
    if (errnoNameOfError(error) === undefined) throw error;
    throw new ChangedError(text);
  }
}

/** Whether a folder lets somebody through who has no capability: path_resolution(7). */
function maySearch({ gid, mode, uid }: BigIntStats, who: Who): boolean {
  if (uid === BigInt(who.uid)) return (mode & S_IXUSR) !== 0n;
  if (who.gids.includes(Number(gid))) return (mode & S_IXGRP) !== 0n;
  return (mode & S_IXOTH) !== 0n;
}

function kindOf(stats: BigIntStats): FoundPath['kind'] {
  if (stats.isDirectory()) return 'folder';
  return stats.isBlockDevice() || stats.isCharacterDevice() ? 'device' : 'file';
}

function pathOfNames(names: readonly Buffer[]): string {
  return names.length === 0 ? '/' : names.map((name) => `/${textOfBytes(name)}`).join('');
}

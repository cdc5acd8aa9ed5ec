import { type BigIntStats, closeSync, constants, openSync, readlinkSync } from 'node:fs';
import { O_PATH } from '../../files/agent/places.ts';
import { pathOf } from '../../files/agent/proc-paths.ts';
import { pathOfText, shownText, textOfBytes } from '../../system-text.ts';
import type { FoundLink } from '../mount-plan.ts';
import { ChangedError, errnoNameOfError, SandboxFault } from './sandbox-fault.ts';
import { type Looked, lookedAt, type Search } from './search.ts';

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

/** Links on one way: MAXSYMLINKS of Linux. */
const MAX_LINKS = 40;

const S_IXUSR = BigInt(constants.S_IXUSR);
const S_IXGRP = BigInt(constants.S_IXGRP);
const S_IXOTH = BigInt(constants.S_IXOTH);

const DOT = '.';
const DOT_DOT = '..';

/**
 * Finds where a path leads, a name after the other. Whoever will be inside must be let through each
 * folder on the way, by its mode: it would not be, outside of a sandbox.
 *
 * @throws SandboxFault at what has no end, or the system fails at
 */
export function findPath(text: string, who: Who, search: Search): FoundPath {
  const left = namesOf(text).reverse();
  const links: FoundLink[] = [];
  const at: string[] = [];
  let stats = look('/', text, search);
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    search.names -= 1;
    if (search.names < 0) throw new SandboxFault('limits', '', 'the rules name too much');
    const found = lookIn(at, name, { stats, who, search });
    if (found === 'EACCES' || found === 'ENOENT' || found === 'ENOTDIR') {
      // A folder that its owner has closed can be opened again by the same.
      if (found === 'EACCES' && stats.uid === BigInt(who.uid)) throw pathFault(found, text);
      return missing({ at, rest: [name, ...left.reverse()], errnoName: found, links, text });
    }
    if (typeof found === 'string') throw pathFault(found, text);
    if (isDots(name)) {
      if (name === DOT_DOT) at.pop();
      stats = look(pathOfNames(at), text, search);
    } else if (found.isSymbolicLink()) {
      if (links.length >= MAX_LINKS) throw pathFault('ELOOP', text);
      const path = pathOfNames([...at, name]);
      const target = readLink(path, text);
      if ((search.targets.get(path) ?? target) !== target) throw new ChangedError(text);
      search.targets.set(path, target);
      links.push({ path, target });
      if (target.startsWith('/')) {
        at.length = 0;
        stats = look('/', text, search);
      }
      left.push(...namesOf(target).reverse());
    } else {
      at.push(name);
      stats = found;
    }
  }
  if (endsAsFolder(text) && !stats.isDirectory()) throw pathFault('ENOTDIR', text);
  const path = pathOfNames(at);
  return { path, kind: kindOf(stats), base: path, fixed: false, errnoName: '', links };
}

/**
 * Opens what a path leads to, of which nothing but the last name is known to be no link, as `O_PATH`:
 * see {@link assertFound}.
 *
 * @throws ChangedError it leads nowhere now
 */
export function openPath(path: string): number {
  try {
    return openSync(pathOfText(path), O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    const errnoName = errnoNameOfError(error);
    if (errnoName === 'ENOENT' || errnoName === 'ENOTDIR' || errnoName === 'ELOOP') {
      throw new ChangedError(path);
    }
    throw errnoName === undefined ? error : pathFault(errnoName, path);
  }
}

/**
 * Looks whether what was opened by a path has it, an absolute one without links.
 *
 * @throws ChangedError it has another path now
 */
export function assertFound(descriptor: number, path: string): void {
  if (textOfBytes(readlinkSync(pathOf(descriptor), { encoding: 'buffer' })) === path) return;
  throw new ChangedError(path);
}

/** What the system says of a rule's path. */
export function pathFault(errnoName: string, path: string): SandboxFault {
  const step = errnoName === 'EMFILE' || errnoName === 'ENFILE' ? 'limits' : 'rule';
  return new SandboxFault(step, errnoName, `${shownText(path)}: ${errnoName}`);
}

interface Missing {
  readonly at: readonly string[];
  readonly rest: readonly string[];
  readonly errnoName: string;
  readonly links: readonly FoundLink[];
  readonly text: string;
}

function missing({ at, errnoName, links, rest, text }: Missing): FoundPath {
  // Nobody knows where `..` of what is not there leads.
  if (rest.includes(DOT_DOT)) throw pathFault(errnoName, text);
  const names = rest.filter((name) => name !== DOT);
  const base = pathOfNames(at);
  const path = pathOfNames([...at, ...names]);
  return { path, kind: 'missing', base, fixed: errnoName !== 'ENOENT', errnoName, links };
}

/** What has a name in a folder, or the name of the error with which it cannot be told. */
function lookIn(
  at: readonly string[],
  name: string,
  {
    search,
    stats,
    who,
  }: { readonly stats: BigIntStats; readonly who: Who; readonly search: Search },
): Looked {
  const folder = pathOfNames(at);
  search.entered.add(folder);
  if (!stats.isDirectory()) return 'ENOTDIR';
  if (!maySearch(stats, who)) return 'EACCES';
  return lookedAt(isDots(name) ? folder : pathOfNames([...at, name]), search);
}

function look(path: string, text: string, search: Search): BigIntStats {
  const found = lookedAt(path, search);
  if (typeof found === 'string') throw pathFault(found, text);
  return found;
}

/** The target of a link, which the system has to let us follow: `protected_symlinks` of proc_sys_fs(5). */
function readLink(path: string, text: string): string {
  const own = pathOfText(path);
  try {
    closeSync(openSync(own, O_PATH));
  } catch (error) {
    const errnoName = errnoNameOfError(error);
    if (errnoName === undefined) throw error;
    if (errnoName !== 'ENOENT' && errnoName !== 'ENOTDIR') throw pathFault(errnoName, text);
  }
  try {
    return textOfBytes(readlinkSync(own, { encoding: 'buffer' }));
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

/** The names of a path, in order. */
function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}

function isDots(name: string): boolean {
  return name === DOT || name === DOT_DOT;
}

/** Whether a path can only name a folder. */
function endsAsFolder(path: string): boolean {
  return path.endsWith('/') || isDots(namesOf(path).at(-1) ?? '');
}

function pathOfNames(names: readonly string[]): string {
  return `/${names.join('/')}`;
}

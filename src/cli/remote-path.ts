import { ownWorkingDirectory } from '../environment/own-environment.ts';
import { isPlain, shownText } from '../system-text.ts';
import { UsageError } from './usage-error.ts';

/** A path on the server, as it is typed: `SESSION:PATH`, or `:PATH` for the session at hand. */
export interface RemotePath {
  /** The session, or a process in it, by its id or the beginning of it; undefined: the one at hand. */
  readonly where: string | undefined;
  /** A text of `system-text.ts`. */
  readonly path: string;
}

/**
 * What is typed, if it is of the server: a colon before any slash makes it so, as with scp(1). A
 * file here whose name has one is written `./a:b`.
 */
export function parseRemotePath(text: string): RemotePath | undefined {
  const [, where, path] = /^([^:/]*):(.*)$/s.exec(text) ?? [];
  if (where === undefined || path === undefined) return undefined;
  if (!isPlain(where)) throw new UsageError(`a session is not UTF-8: ${shownText(where)}`);
  return { where: where === '' ? undefined : where, path };
}

/**
 * A path as the server takes it. One that is relative means this program's folder, where the
 * server is on this machine.
 *
 * @throws UsageError for one that means nothing there
 */
export function absoluteRemotePath(path: string, server: 'local' | 'remote'): string {
  if (path === '') throw new UsageError('the path on the server is missing');
  if (path.startsWith('/')) return path;
  if (server === 'local') {
    // Not normalized: `a/..` is not the folder that `a` is in where that is a link.
    return `${ownWorkingDirectory()}/${path}`;
  }
  throw new UsageError(`${shownText(path)}: on another machine it has to be an absolute path`);
}

/** The last part of a path; `.`: it has none that names something. */
export function lastName(path: string): string {
  const name = /([^/]*)\/*$/.exec(path)?.[1] ?? '';
  return name === '' || name === '..' ? '.' : name;
}

/** A path in a folder. */
export function pathBelow(folder: string, name: string): string {
  return folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`;
}

/** The folder that a path is in; `.`: that is not named. */
export function parentOf(path: string): string {
  const [, folder = ''] = /^(.*?)\/*[^/]*\/*$/s.exec(path) ?? [];
  return folder === '' ? (path.startsWith('/') ? '/' : '.') : folder;
}

import { getSystemErrorMap } from 'node:util';
import {
  FileError,
  RemoteError,
  RunletClientError,
  type RunletErrorCode,
} from '../client/index.ts';
import { shownText } from '../system-text.ts';
import { quotedName } from './human-text.ts';
import { LocalFileError } from './local-file-error.ts';
import { NamedError } from './named-error.ts';
import { lastName, parentOf } from './remote-path.ts';
import { systemReason } from './system-reason.ts';

/** What fails of a file by no word of the server. */
const OF_FILES: ReadonlySet<RunletErrorCode> = new Set([
  'INTERRUPTED',
  'LOCAL_FILE_CHANGED',
  'LOCAL_FILE_UNFIT',
]);

/** How names begin that the client library makes. */
const TEMPORARY = '.runlet-';

/** Why a server could not do something with a file, without its reason. */
export function fileWords({ entries, errnoName, message }: FileError): string {
  const done = entries === 0 ? '' : `; of what is in it ${entries} were done before`;
  return `${errnoWords(errnoName) ?? message}${done}`;
}

/** What the system says of an error, by its name; undefined: it is none of its names. */
export function errnoWords(name: string): string | undefined {
  for (const [known, words] of getSystemErrorMap().values()) if (known === name) return words;
  return undefined;
}

/**
 * Has what fails say what could not be done with which file, as the programs of coreutils do:
 * `cannot remove '/x'`. Where it is about another, one in a folder for example, that is said, too.
 */
export async function namingFile<T>(doing: string, path: string, acting: Promise<T>): Promise<T> {
  try {
    return await acting;
  } catch (error) {
    throw named(error, `cannot ${doing} ${quotedName(path)}`, path);
  }
}

function named(error: unknown, what: string, path: string): unknown {
  const also = (other: string): string =>
    isSamePath(other, path) ? what : `${what}: ${quotedName(other)}`;
  if (error instanceof FileError) return new NamedError(also(error.path), error);
  if (error instanceof RemoteError) return new NamedError(what, error);
  if (error instanceof RunletClientError && OF_FILES.has(error.code)) {
    return new LocalFileError(`${what}: ${error.message} (${error.code})`, error);
  }
  if (isSystemError(error)) {
    return new LocalFileError(
      `${also(placeOf(error.path ?? path))}: ${systemReason(error)}`,
      error,
    );
  }
  return error;
}

/** What is copied is written under a name of its own first, which tells nobody anything. */
function placeOf(path: string): string {
  return lastName(path).startsWith(TEMPORARY) ? parentOf(path) : path;
}

/** Whether a path that is told is the one that was typed, which may have been relative. */
function isSamePath(told: string, typed: string): boolean {
  const shown = shownText(typed).replace(/^(?:\.\/)+/, '');
  return told === '' || told === shown || told.endsWith(`/${shown}`);
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'errno' in error && 'syscall' in error;
}

import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { isFileOf, lockDescriptor } from '../../file-lock.ts';
import { stillRuns } from '../process-scan.ts';
import { formatRecord, parseRecord, type ServerRecord } from './server-record.ts';

/** Ends the name of a record that is just being written: nothing was started by then. */
const UNFINISHED_RECORD = '.new';

/** Bytes of a record: a few for each process above the server. */
const MAX_RECORD_BYTES = 64 * 1024;

/** The record of this server, which is locked as long as it runs. */
export interface OwnRecord {
  /** The server left nothing. Idempotent. */
  remove(): void;
}

/** What is at the path of a record. */
export type FoundRecord =
  /** Nothing that a server made. */
  | { readonly state: 'absent' }
  /** Its server runs. */
  | { readonly state: 'living'; readonly pid: number | undefined }
  /** Its server is gone, and its lock is held: by a copy that is about to end, or who takes it. */
  | { readonly state: 'held' }
  /** This machine or file system has no locks. */
  | { readonly state: 'unknown' }
  | DeadRecord;

/** Of a server that is gone; nobody else takes it meanwhile. */
export interface DeadRecord {
  readonly state: 'dead';
  /** Undefined: the file does not tell. */
  readonly record: ServerRecord | undefined;
  /** When it was written, in milliseconds since 1970. */
  readonly writtenMs: number;
  /** Removes it: nothing is left. */
  remove(): void;
  /** Lets others take it. */
  release(): void;
}

/**
 * Writes the record of this server. It has its name only when it is whole and locked.
 *
 * @throws Error if it cannot be written
 */
export function writeRecord(path: string, record: ServerRecord): OwnRecord {
  const unfinished = path + UNFINISHED_RECORD;
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
  let fd: number | undefined = openSync(unfinished, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    lockDescriptor(fd);
    writeSync(fd, formatRecord(record));
    renameSync(unfinished, path);
  } catch (error) {
    closeSync(fd);
    rmSync(unfinished, { force: true });
    throw error;
  }
  return {
    remove() {
      if (fd === undefined) return;
      unlinkIf(path, fd);
      closeSync(fd);
      fd = undefined;
    },
  };
}

/** Looks at what may be a record, and takes it where its server is gone. */
export function findRecord(path: string): FoundRecord {
  let fd: number;
  try {
    // Whatever it is, it is not waited for.
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return { state: 'absent' };
  }
  const found = look(path, fd);
  if (found.state !== 'dead') closeSync(fd);
  return found;
}

function look(path: string, fd: number): FoundRecord {
  const stats = fstatSync(fd);
  if (!isOwnFile(stats)) return { state: 'absent' };
  const lock = lockDescriptor(fd);
  if (lock === 'impossible') return { state: 'unknown' };
  const record = parseRecord(textOf(fd));
  // It may have been without a lock, on a file system that has none.
  const runs =
    record?.startTime !== undefined && stillRuns({ pid: record.pid, startTime: record.startTime });
  if (lock === 'held' && !runs && record !== undefined) return { state: 'held' };
  if (lock === 'held' || runs) return { state: 'living', pid: record?.pid };
  // Whoever had it before may have removed it since it was opened.
  if (!isFileOf(path, stats)) return { state: 'absent' };
  return {
    state: 'dead',
    record,
    writtenMs: stats.mtimeMs,
    remove: () => unlinkIf(path, fd),
    release: () => closeSync(fd),
  };
}

function isOwnFile(stats: Stats): boolean {
  return stats.isFile() && stats.uid === process.getuid?.() && (stats.mode & 0o022) === 0;
}

function textOf(fd: number): string {
  const bytes = Buffer.alloc(MAX_RECORD_BYTES);
  return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.byteLength, 0));
}

/** Removes a file's name unless another has taken it. */
function unlinkIf(path: string, fd: number): void {
  if (isFileOf(path, fstatSync(fd))) unlinkSync(path);
}

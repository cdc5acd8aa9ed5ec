import {
  checkOptions,
  isBound,
  isFlag,
  isFunction,
  isOneOf,
  isSignal,
  isTexts,
  isWhole,
  type OptionCheck,
  type OptionChecks,
} from '../check-options.ts';
import type { WriteDispositionName } from '../names.ts';
import { isSandbox, type SandboxOptions } from '../sandbox.ts';
import type { FileFailureInfo } from './file-error.ts';

/** What every call about files can be told. */
export interface FileCallOptions {
  /** Gives the call up, which rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * What it can reach. False: what the server lets it, whatever the client's defaults say. Default:
   * that of the client, or none.
   */
  readonly sandbox?: SandboxOptions | false | undefined;
}

/** Which bytes of a file are read. */
export interface ReadOptions extends FileCallOptions {
  /** The position of the first byte. Beyond the end nothing comes. Default: 0. */
  readonly offset?: number;
  /** Bytes at most. Default: to the end. */
  readonly length?: number;
  /** The version that the file has to have, or `VERSION_MISMATCH`. Default: any. */
  readonly ifVersion?: string;
}

/** Which bytes of a file are read and kept. */
export interface ReadAllOptions extends ReadOptions {
  /** Bytes that are kept at most; of more comes `FILE_TOO_LARGE`. Default: 64 MiB. */
  readonly maxBytes?: number;
}

/** How a file is read as text. */
export interface ReadTextOptions extends ReadAllOptions {
  /** How it is encoded. Default: `utf8`, where U+FFFD stands for what is not UTF-8. */
  readonly encoding?: BufferEncoding;
}

/** How a file is written. */
export interface WriteOptions extends FileCallOptions {
  /** Permission bits, 0 to 0o7777. Default: those of the file that it replaces, or the server's. */
  readonly mode?: number;
  /** Whether folders on the way are made. Default: false. */
  readonly parents?: boolean;
  /**
   * `replace`: a new file takes its place when it is whole; `create-new`: it must not be there;
   * `in-place`: the same file gets other content; `append`: at its end. Default: `replace`.
   */
  readonly disposition?: WriteDispositionName;
  /** The version that the file has to have, or `VERSION_MISMATCH`. Default: any, or none. */
  readonly ifVersion?: string;
  /** The SHA-256 of all bytes, 32 bytes; or `CHECKSUM_MISMATCH`. Default: it is not known. */
  readonly sha256?: Uint8Array;
  /** Bytes in all; or `CHECKSUM_MISMATCH`. Default: as many as come. */
  readonly size?: number;
  /** Whether to wait until it is on the disk: fsync(2). Default: false. */
  readonly sync?: boolean;
}

/** How a folder is listed. */
export interface ListOptions extends FileCallOptions {
  /**
   * Told what could not be looked at. Default: nobody, and the first of it is thrown, a `FileError`,
   * when all else has come.
   */
  readonly onFailure?: (failure: FileFailureInfo) => void;
}

/** Which files a walk gives. */
export interface WalkOptions extends ListOptions {
  /** The depth of the deepest: what is in the folder itself has 1. Default: any. */
  readonly maxDepth?: number;
  /**
   * How many at most; then it ends. Default: as many as the server lists in one walk, of more
   * comes `WALK_TRUNCATED`.
   */
  readonly maxEntries?: number;
  /** Globs of which one has to match, against paths below the folder. Default: all match. */
  readonly include?: readonly string[];
  /** Globs of what is left out, with all below it. Default: none. */
  readonly exclude?: readonly string[];
  /** Whether links to folders are entered, and links told as what they lead to. Default: false. */
  readonly followLinks?: boolean;
}

/** Of what a link is. */
export interface FollowLinksOptions extends FileCallOptions {
  /** Whether a link stands for what it leads to. Default: true. */
  readonly followLinks?: boolean;
}

/** How a folder is made. */
export interface MakeDirectoryOptions extends FileCallOptions {
  /** Whether folders on the way are made, too, and one that is there is no error. Default: false. */
  readonly parents?: boolean;
  /** Permission bits, 0 to 0o7777. Default: 0o777 less the server's umask. */
  readonly mode?: number;
}

/** How a file is removed. */
export interface RemoveOptions extends FileCallOptions {
  /** Whether a folder goes with all that is in it. Default: false. */
  readonly recursive?: boolean;
  /** Whether it is no error that there is nothing. Default: false. */
  readonly missingOk?: boolean;
}

/** How a file is moved. */
export interface MoveOptions extends FileCallOptions {
  /** Whether what is there is replaced. Default: false. */
  readonly replace?: boolean;
}

/** How a file is copied. */
export interface CopyOptions extends MoveOptions {
  /** Whether a folder is copied with all that is in it. Default: false. */
  readonly recursive?: boolean;
}

/** What is changed of what is said of a file. What is left out stays. */
export interface FileAttributes {
  /** Permission bits, 0 to 0o7777. */
  readonly mode?: number;
  /** The number of the owner. */
  readonly uid?: number;
  /** The number of the group. */
  readonly gid?: number;
  /** When its content was changed last; a bigint is nanoseconds since 1970. */
  readonly modifyTime?: Date | bigint;
}

/** How a folder is watched. */
export interface WatchOptions extends FileCallOptions {
  /** Whether the folders below it are watched, too. Default: false. */
  readonly recursive?: boolean;
}

/** What is in an archive of a folder. */
export interface ReadTreeOptions extends FileCallOptions {
  /** Globs of which one has to match, against paths below the folder. Default: all match. */
  readonly include?: readonly string[];
  /** Globs of what is left out, with all below it. Default: none. */
  readonly exclude?: readonly string[];
}

const MAX_UINT32 = 2 ** 32 - 1;

const isMode = isWhole(0, 0o7777);
const isSize = isWhole(0, Number.MAX_SAFE_INTEGER);
const isVersion: OptionCheck = (value) =>
  typeof value === 'string' && value !== '' ? undefined : 'the version of a file';
const isHash: OptionCheck = (value) =>
  value instanceof Uint8Array && value.length === 32 ? undefined : '32 bytes';
const isEncoding: OptionCheck = (value) =>
  typeof value === 'string' && Buffer.isEncoding(value) ? undefined : 'an encoding of Node.js';
const isMoment: OptionCheck = (value) =>
  typeof value === 'bigint' || (value instanceof Date && !Number.isNaN(value.getTime()))
    ? undefined
    : 'a Date, or nanoseconds as a bigint';

const CALL: OptionChecks<FileCallOptions> = { signal: isSignal, sandbox: isSandbox };
const READ: OptionChecks<ReadOptions> = {
  ...CALL,
  offset: isSize,
  length: isSize,
  ifVersion: isVersion,
};
const READ_ALL: OptionChecks<ReadAllOptions> = { ...READ, maxBytes: isBound };
const LIST: OptionChecks<ListOptions> = { ...CALL, onFailure: isFunction };
const TREE: OptionChecks<ReadTreeOptions> = { ...CALL, include: isTexts, exclude: isTexts };
const MOVE: OptionChecks<MoveOptions> = { ...CALL, replace: isFlag };

/** What the options of each method have to be. */
const CHECKS = {
  call: CALL,
  read: READ,
  readBytes: READ_ALL,
  readText: { ...READ_ALL, encoding: isEncoding } satisfies OptionChecks<ReadTextOptions>,
  write: {
    ...CALL,
    mode: isMode,
    parents: isFlag,
    disposition: isOneOf(['replace', 'create-new', 'in-place', 'append']),
    ifVersion: isVersion,
    sha256: isHash,
    size: isSize,
    sync: isFlag,
  } satisfies OptionChecks<WriteOptions>,
  list: LIST,
  walk: {
    ...LIST,
    ...TREE,
    maxDepth: isWhole(1, MAX_UINT32),
    maxEntries: isWhole(1, Number.MAX_SAFE_INTEGER),
    followLinks: isFlag,
  } satisfies OptionChecks<WalkOptions>,
  followLinks: { ...CALL, followLinks: isFlag } satisfies OptionChecks<FollowLinksOptions>,
  makeDirectory: {
    ...CALL,
    parents: isFlag,
    mode: isMode,
  } satisfies OptionChecks<MakeDirectoryOptions>,
  remove: { ...CALL, recursive: isFlag, missingOk: isFlag } satisfies OptionChecks<RemoveOptions>,
  move: MOVE,
  copy: { ...MOVE, recursive: isFlag } satisfies OptionChecks<CopyOptions>,
  attributes: {
    mode: isMode,
    uid: isWhole(0, MAX_UINT32),
    gid: isWhole(0, MAX_UINT32),
    modifyTime: isMoment,
  } satisfies OptionChecks<FileAttributes>,
  watch: { ...CALL, recursive: isFlag } satisfies OptionChecks<WatchOptions>,
  readTree: TREE,
  writeTree: MOVE,
};

/**
 * Refuses what is wrong with the options of a method.
 *
 * @throws OptionError
 *
 * @internal
 */
export function checkFileOptions(of: keyof typeof CHECKS, options: object): void {
  checkOptions<object>(of, options, CHECKS[of]);
}

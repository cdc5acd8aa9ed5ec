import type { SystemText } from '../process-spec.ts';
import type { SandboxOptions } from '../sandbox.ts';
import {
  copyFile,
  makeDirectory,
  makeSymlink,
  moveFile,
  removeFile,
  resolvePath,
  setAttributes,
  statFile,
} from './change-files.ts';
import { isRefused } from './file-error.ts';
import type { FileInfo } from './file-info.ts';
import {
  type CopyOptions,
  checkFileOptions,
  type FileAttributes,
  type FileCallOptions,
  type FollowLinksOptions,
  type ListOptions,
  type MakeDirectoryOptions,
  type MoveOptions,
  type ReadAllOptions,
  type ReadOptions,
  type ReadTextOptions,
  type ReadTreeOptions,
  type RemoveOptions,
  type WalkOptions,
  type WatchOptions,
  type WriteOptions,
} from './file-options.ts';
import { FileReadable } from './file-readable.ts';
import type { FileScope } from './file-scope.ts';
import { listDirectory, walkDirectory } from './listings.ts';
import { once } from './once.ts';
import { readAll, readFile } from './read-file.ts';
import { download } from './transfer/download.ts';
import {
  checkTransferOptions,
  type TransferOptions,
  type TransferResult,
} from './transfer/transfer-options.ts';
import { upload } from './transfer/upload.ts';
import { readTree, type TreeWritten, writeTree } from './trees.ts';
import { type UploadContent, uploadSource } from './upload-source.ts';
import { type WatchEvent, watchDirectory } from './watch-directory.ts';
import { type WrittenFile, writeFile } from './write-file.ts';

/**
 * Files of the server's machine, through a session. Paths are absolute; bytes name what is not
 * UTF-8. Every call goes on over connections that break, and fails with the session's
 * `SessionLostError` once that is lost.
 *
 * What the server refuses is a `FileError`, whose `reason` says why: `FILE_NOT_FOUND`,
 * `FILE_EXISTS`, `FILE_ACCESS_DENIED`, `OUTSIDE_ROOT`, and others of the protos.
 */
export class RemoteFiles {
  readonly #scope: FileScope;

  /** @internal */
  constructor(scope: FileScope) {
    this.#scope = scope;
  }

  /**
   * The same files as far as a sandbox lets them be reached, by every call: none of those can name
   * another.
   */
  within(sandbox: SandboxOptions): RemoteFiles {
    return new RemoteFiles(this.#scope.within(sandbox));
  }

  /**
   * What is in a regular file, as a stream of bytes, which opens it when it is read. A link is
   * followed. A file that was changed meanwhile fails it with `FILE_CHANGED`.
   */
  read(path: SystemText, options: ReadOptions = {}): FileReadable {
    checkFileOptions('read', options);
    const calls = this.#scope.callsFor(options);
    return new FileReadable(
      (signal, onFile) => readFile(calls, path, { ...options, signal }, onFile),
      options.signal,
    );
  }

  /**
   * All that is in a file.
   *
   * @throws RunletClientError `FILE_TOO_LARGE` it is more than `maxBytes`
   */
  async readBytes(path: SystemText, options: ReadAllOptions = {}): Promise<Buffer> {
    checkFileOptions('readBytes', options);
    return readAll(this.#scope.callsFor(options), path, options);
  }

  /** The same as text. */
  async readText(path: SystemText, options: ReadTextOptions = {}): Promise<string> {
    checkFileOptions('readText', options);
    const { encoding = 'utf8', ...which } = options;
    return (await readAll(this.#scope.callsFor(options), path, which)).toString(encoding);
  }

  /**
   * Writes a regular file. What is there is replaced once all has arrived, unless `disposition`
   * says otherwise; of a write that fails nothing stays. A link is followed. A stream is read as
   * fast as the server writes, and up to 8 MiB of it are kept, to be sent again after a break; it
   * is destroyed where the write fails.
   */
  async write(
    path: SystemText,
    content: UploadContent,
    options: WriteOptions = {},
  ): Promise<WrittenFile> {
    checkFileOptions('write', options);
    return writeFile(this.#scope.callsFor(options), path, uploadSource(content), options);
  }

  /** What is in a folder, in no order, with links as links. */
  list(path: SystemText, options: ListOptions = {}): AsyncIterableIterator<FileInfo> {
    checkFileOptions('list', options);
    return this.#scope.stream(options, (calls, how) => listDirectory(calls, path, how));
  }

  /**
   * What is in a folder and those below it, breadth first, each folder's files in the order of the
   * bytes of their names.
   */
  walk(path: SystemText, options: WalkOptions = {}): AsyncIterableIterator<FileInfo> {
    checkFileOptions('walk', options);
    return this.#scope.stream(options, (calls, how) => walkDirectory(calls, path, how));
  }

  /** What a file is. */
  async stat(path: SystemText, options: FollowLinksOptions = {}): Promise<FileInfo> {
    checkFileOptions('followLinks', options);
    return statFile(this.#scope.callsFor(options), path, options);
  }

  /** Whether there is something at a path. What cannot be known is thrown. */
  async exists(path: SystemText, options: FollowLinksOptions = {}): Promise<boolean> {
    try {
      await this.stat(path, options);
      return true;
    } catch (error) {
      if (isRefused(error, 'FILE_NOT_FOUND', 'NOT_A_DIRECTORY')) return false;
      throw error;
    }
  }

  /**
   * Makes a folder.
   *
   * @throws ConnectionError `outcomeUnknown`: it was there after a break, made by whomever
   */
  async makeDirectory(path: SystemText, options: MakeDirectoryOptions = {}): Promise<FileInfo> {
    checkFileOptions('makeDirectory', options);
    return makeDirectory(this.#scope.callsFor(options), path, options);
  }

  /**
   * Removes a file, a link (not what it leads to), or a folder.
   *
   * @throws ConnectionError `outcomeUnknown`: it was gone after a break, by whomever; not with
   *   `missingOk`
   */
  async remove(path: SystemText, options: RemoveOptions = {}): Promise<void> {
    checkFileOptions('remove', options);
    await removeFile(this.#scope.callsFor(options), path, options);
  }

  /** Moves a file or folder within a file system, once, however often the connection breaks. */
  async move(
    path: SystemText,
    targetPath: SystemText,
    options: MoveOptions = {},
  ): Promise<FileInfo> {
    checkFileOptions('move', options);
    return moveFile(this.#scope.callsFor(options), path, targetPath, options);
  }

  /** Copies a file, a link as a link, or a folder on the server, with modes and times. */
  async copy(
    path: SystemText,
    targetPath: SystemText,
    options: CopyOptions = {},
  ): Promise<FileInfo> {
    checkFileOptions('copy', options);
    return copyFile(this.#scope.callsFor(options), path, targetPath, options);
  }

  /** Changes what is said of a file: its mode, owner and time. */
  async setAttributes(
    path: SystemText,
    attributes: FileAttributes,
    options: FollowLinksOptions = {},
  ): Promise<FileInfo> {
    checkFileOptions('attributes', attributes);
    checkFileOptions('followLinks', options);
    return setAttributes(this.#scope.callsFor(options), path, attributes, options);
  }

  /**
   * Makes a symbolic link at `path`. Where it leads, `target`, is not looked at.
   *
   * @throws ConnectionError `outcomeUnknown`: something was there after a break
   */
  async symlink(
    path: SystemText,
    target: SystemText,
    options: FileCallOptions = {},
  ): Promise<FileInfo> {
    checkFileOptions('call', options);
    return makeSymlink(this.#scope.callsFor(options), path, target, options);
  }

  /** The path of the same file without links, `.` and `..`; bytes where it is not UTF-8. */
  async resolve(path: SystemText, options: FileCallOptions = {}): Promise<SystemText> {
    checkFileOptions('call', options);
    return resolvePath(this.#scope.callsFor(options), path, options);
  }

  /**
   * What changes in a folder, from when this resolves on, until the loop is left or the folder
   * goes. `overflow` says that changes were missed: also after a break of the connection, once
   * the folder is watched again.
   */
  async watch(
    path: SystemText,
    options: WatchOptions = {},
  ): Promise<AsyncIterableIterator<WatchEvent>> {
    checkFileOptions('watch', options);
    const events = this.#scope.stream(options, (calls, how) => watchDirectory(calls, path, how));
    // That it has begun, or why it did not.
    await events.next();
    return events as AsyncIterableIterator<WatchEvent>;
  }

  /**
   * A folder and all that is in it as a tar archive. A break of the connection ends it with
   * `INTERRUPTED`: `download` goes on.
   */
  readTree(path: SystemText, options: ReadTreeOptions = {}): AsyncIterableIterator<Buffer> {
    checkFileOptions('readTree', options);
    return this.#scope.stream(options, (calls, how) => readTree(calls, path, how));
  }

  /**
   * Unpacks a tar archive into a folder: nothing is in its place before all has arrived. A stream
   * cannot be had twice, so that a break of the connection ends it with `INTERRUPTED`; a function
   * that gives the archive is asked again.
   */
  async writeTree(
    path: SystemText,
    archive: AsyncIterable<Uint8Array> | (() => AsyncIterable<Uint8Array>),
    options: MoveOptions = {},
  ): Promise<TreeWritten> {
    checkFileOptions('writeTree', options);
    return writeTree(
      this.#scope.callsFor(options),
      path,
      typeof archive === 'function' ? archive : once(archive),
      options,
    );
  }

  /**
   * Uploads a file or folder of this machine, with modes and times, and links in a folder as links.
   * Nothing is in its place before all has arrived. A folder is sent anew after a break.
   *
   * @throws RunletClientError `LOCAL_FILE_CHANGED`, `LOCAL_FILE_UNFIT`; what the system says of it
   */
  async upload(
    local: SystemText,
    remote: SystemText,
    options: TransferOptions = {},
  ): Promise<TransferResult> {
    checkTransferOptions('upload', options);
    return upload(this.#scope.callsFor(options), local, remote, options);
  }

  /**
   * Downloads a file or folder to this machine, in the same way. It goes on after a break with what
   * has not come, and of one that fails nothing stays.
   *
   * @throws RunletClientError `LOCAL_FILE_UNFIT` something is in the way; what the system says of it
   */
  async download(
    remote: SystemText,
    local: SystemText,
    options: TransferOptions = {},
  ): Promise<TransferResult> {
    checkTransferOptions('download', options);
    return download(this.#scope.callsFor(options), remote, local, options);
  }
}

import { randomUUID } from 'node:crypto';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Reason } from '../../errors.ts';
import type { CallTarget } from '../call-attempts.ts';
import { ConnectionError } from '../errors.ts';
import type { SystemText } from '../process-spec.ts';
import type { FileCalls } from './file-calls.ts';
import { isRefused } from './file-error.ts';
import { type FileInfo, fileInfo, timestampOfNs } from './file-info.ts';
import type {
  CopyOptions,
  FileAttributes,
  FileCallOptions,
  FollowLinksOptions,
  MakeDirectoryOptions,
  MoveOptions,
  RemoveOptions,
} from './file-options.ts';
import { pathFields, textFieldsOf } from './remote-path.ts';

/* Calls about files that have one answer. All are made again after a break. */

/** What a file is. */
export async function statFile(
  calls: FileCalls,
  path: SystemText,
  { followLinks = true, signal }: FollowLinksOptions,
): Promise<FileInfo> {
  const request = { ...pathFields('path', path), noFollow: !followLinks };
  const { file } = await calls.call({ idempotent: true, signal }, ({ generation, ids, options }) =>
    generation.control.files.statFile({ ...ids, ...request }, options),
  );
  return fileInfo(file);
}

/** Makes a folder. */
export async function makeDirectory(
  calls: FileCalls,
  path: SystemText,
  { mode, parents = false, signal }: MakeDirectoryOptions,
): Promise<FileInfo> {
  const request = {
    ...pathFields('path', path),
    parents,
    ...(mode === undefined ? {} : { mode }),
  };
  const { file } = await unlessDoneBefore(
    calls,
    signal,
    'FILE_EXISTS',
    ({ generation, ids, options }) =>
      generation.control.files.createDirectory({ ...ids, ...request }, options),
  );
  return fileInfo(file);
}

/** Removes a file, a link or a folder. */
export async function removeFile(
  calls: FileCalls,
  path: SystemText,
  { missingOk = false, recursive = false, signal }: RemoveOptions,
): Promise<void> {
  const request = { ...pathFields('path', path), missingOk, recursive };
  await unlessDoneBefore(calls, signal, 'FILE_NOT_FOUND', ({ generation, ids, options }) =>
    generation.control.files.removeFile({ ...ids, ...request }, options),
  );
}

/** Moves a file. */
export async function moveFile(
  calls: FileCalls,
  path: SystemText,
  targetPath: SystemText,
  { replace = false, signal }: MoveOptions,
): Promise<FileInfo> {
  const request = {
    ...pathFields('path', path),
    ...pathFields('targetPath', targetPath),
    replace,
    requestId: randomUUID(),
  };
  const { file } = await calls.call({ idempotent: true, signal }, ({ generation, ids, options }) =>
    generation.control.files.moveFile({ ...ids, ...request }, options),
  );
  return fileInfo(file);
}

/** Copies a file. */
export async function copyFile(
  calls: FileCalls,
  path: SystemText,
  targetPath: SystemText,
  { recursive = false, replace = false, signal }: CopyOptions,
): Promise<FileInfo> {
  const request = {
    ...pathFields('path', path),
    ...pathFields('targetPath', targetPath),
    recursive,
    replace,
    requestId: randomUUID(),
  };
  const { file } = await calls.call({ idempotent: true, signal }, ({ generation, ids, options }) =>
    generation.control.files.copyFile({ ...ids, ...request }, options),
  );
  return fileInfo(file);
}

/** Changes what is said of a file. */
export async function setAttributes(
  calls: FileCalls,
  path: SystemText,
  { gid, mode, modifyTime, uid }: FileAttributes,
  { followLinks = true, signal }: FollowLinksOptions,
): Promise<FileInfo> {
  const request = {
    ...pathFields('path', path),
    noFollow: !followLinks,
    ...(mode === undefined ? {} : { mode }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(modifyTime === undefined ? {} : { modifyTime: timestampOf(modifyTime) }),
  };
  const { file } = await calls.call({ idempotent: true, signal }, ({ generation, ids, options }) =>
    generation.control.files.setFileAttributes({ ...ids, ...request }, options),
  );
  return fileInfo(file);
}

/** Makes a link. */
export async function makeSymlink(
  calls: FileCalls,
  path: SystemText,
  target: SystemText,
  { signal }: FileCallOptions,
): Promise<FileInfo> {
  const request = { ...pathFields('path', path), ...textFieldsOf('target', target) };
  const { file } = await unlessDoneBefore(
    calls,
    signal,
    'FILE_EXISTS',
    ({ generation, ids, options }) =>
      generation.control.files.createSymlink({ ...ids, ...request }, options),
  );
  return fileInfo(file);
}

/** The path of a file without links. */
export async function resolvePath(
  calls: FileCalls,
  path: SystemText,
  { signal }: FileCallOptions,
): Promise<SystemText> {
  const request = pathFields('path', path);
  const found = await calls.call({ idempotent: true, signal }, ({ generation, ids, options }) =>
    generation.control.files.resolvePath({ ...ids, ...request }, options),
  );
  return found.rawPath.length === 0 ? found.path : found.rawPath;
}

/**
 * Makes a call that a repetition cannot be told from: where it is refused after a break with what
 * it would be refused with if it was done before, that is not known.
 *
 * @throws ConnectionError `outcomeUnknown`
 */
async function unlessDoneBefore<T>(
  calls: FileCalls,
  signal: AbortSignal | undefined,
  refusal: Reason,
  make: (target: CallTarget) => Promise<T>,
): Promise<T> {
  let attempts = 0;
  try {
    return await calls.call({ idempotent: true, signal }, (target) => {
      attempts += 1;
      return make(target);
    });
  } catch (error) {
    if (attempts < 2 || !isRefused(error, refusal)) throw error;
    const message = 'the connection broke during the call, which may have been done';
    throw new ConnectionError(message, true, error);
  }
}

function timestampOf(moment: Date | bigint): { readonly seconds: bigint; readonly nanos: number } {
  return typeof moment === 'bigint' ? timestampOfNs(moment) : timestampFromDate(moment);
}

import { type BigIntStats, constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { SystemText } from '../../process-spec.ts';
import { setAttributes } from '../change-files.ts';
import type { FileCalls } from '../file-calls.ts';
import { writeTree } from '../trees.ts';
import { uploadSource } from '../upload-source.ts';
import { writeFile } from '../write-file.ts';
import { LocalFileSource } from './local-file-source.ts';
import { type ByteText, bytesOf, changed, localPath, unfit } from './local-path.ts';
import { packFolder } from './pack-folder.ts';
import { Tally, type TransferOptions, type TransferResult } from './transfer-options.ts';

/** Permission bits that are kept: what would act as its owner or group is not. */
const KEPT_MODE = 0o1777;

/** Uploads a local file or folder. */
export async function upload(
  calls: FileCalls,
  local: SystemText,
  remote: SystemText,
  options: TransferOptions,
): Promise<TransferResult> {
  const path = localPath(local);
  const stats = await stat(bytesOf(path));
  if (stats.isDirectory()) return uploadFolder(calls, path, remote, options);
  if (!stats.isFile()) throw unfit(path, 'is neither a file nor a folder');
  return uploadFile(calls, path, remote, options);
}

async function uploadFolder(
  calls: FileCalls,
  path: ByteText,
  remote: SystemText,
  { onProgress, replace = true, signal }: TransferOptions,
): Promise<TransferResult> {
  const tally = new Tally(onProgress);
  await writeTree(calls, remote, () => packFolder(path, tally), { replace, signal });
  return tally.result;
}

async function uploadFile(
  calls: FileCalls,
  path: ByteText,
  remote: SystemText,
  { onProgress, replace = true, signal }: TransferOptions,
): Promise<TransferResult> {
  // It may be a FIFO by now, that nobody writes to.
  const handle = await open(bytesOf(path), constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) throw changed(path);
    const isSized = stats.size > 0n;
    const source = isSized
      ? new LocalFileSource(path, handle, stats)
      : // One of proc(5) has content all the same.
        uploadSource(handle.createReadStream({ autoClose: false }));
    const tally = new Tally(onProgress, isSized ? Number(stats.size) : undefined);
    const file = await writeFile(
      calls,
      remote,
      source,
      {
        mode: modeOf(stats),
        disposition: replace ? 'replace' : 'create-new',
        ...(signal === undefined ? {} : { signal }),
      },
      (bytes) => tally.add(bytesOf(path), bytes - tally.bytes, 0),
    );
    await setAttributes(
      calls,
      file.rawPath ?? file.path,
      { modifyTime: stats.mtimeNs },
      { signal },
    );
    tally.add(bytesOf(path), 0, 1);
    return tally.result;
  } finally {
    await handle.close();
  }
}

function modeOf({ mode }: BigIntStats): number {
  return Number(mode) & KEPT_MODE;
}

import { link, mkdir, open, rename, rm, unlink } from 'node:fs/promises';
import { RunletClientError } from '../../client-error.ts';
import type { SystemText } from '../../process-spec.ts';
import { statFile } from '../change-files.ts';
import type { FileCalls } from '../file-calls.ts';
import type { FileInfo } from '../file-info.ts';
import { readFile } from '../read-file.ts';
import { readTree } from '../trees.ts';
import { fetchFolder } from './fetch-folder.ts';
import {
  type ByteText,
  bytesOf,
  folderOf,
  localPath,
  targetAt,
  temporaryIn,
  unfit,
} from './local-path.ts';
import { finishFile, LocalTree } from './local-tree.ts';
import { mergeTree } from './place-tree.ts';
import { Tally, type TransferOptions, type TransferResult } from './transfer-options.ts';
import { unpackArchive, writeAll } from './unpack-archive.ts';

/** Downloads a file or folder. Of one that fails nothing stays. */
export async function download(
  calls: FileCalls,
  remote: SystemText,
  local: SystemText,
  options: TransferOptions,
): Promise<TransferResult> {
  const target = await targetAt(localPath(local));
  const { kind } = await statFile(calls, remote, options);
  if (kind !== 'directory') return downloadFile(calls, remote, target, options);
  return downloadFolder(calls, remote, target, options);
}

type Target = Awaited<ReturnType<typeof targetAt>>;

async function downloadFile(
  calls: FileCalls,
  remote: SystemText,
  { kind, path }: Target,
  { onProgress, replace = true, signal }: TransferOptions,
): Promise<TransferResult> {
  if (kind === 'folder' || kind === 'other') throw unfit(path, 'is no regular file');
  if (kind === 'file' && !replace) throw unfit(path, 'is there already');
  const place = temporaryIn(folderOf(path));
  const handle = await open(bytesOf(place), 'wx', 0o600);
  let file: FileInfo | undefined;
  let tally = new Tally(onProgress);
  const pieces = readFile(calls, remote, { signal }, (opened) => {
    file = opened;
    // Those of proc(5) have no size, and content all the same.
    tally = new Tally(onProgress, opened.size === 0 ? undefined : opened.size);
  });
  try {
    try {
      for await (const piece of pieces) {
        await writeAll(handle, piece);
        tally.add(bytesOf(path), piece.length, 0);
      }
      if (file !== undefined) await finishFile(handle, keptOf(file));
    } finally {
      await handle.close();
    }
    if (replace) await rename(bytesOf(place), bytesOf(path));
    else await link(bytesOf(place), bytesOf(path));
  } catch (error) {
    await unlink(bytesOf(place));
    throw error;
  }
  if (!replace) await unlink(bytesOf(place));
  tally.add(bytesOf(path), 0, 1);
  return tally.result;
}

async function downloadFolder(
  calls: FileCalls,
  remote: SystemText,
  { kind, path }: Target,
  { onProgress, replace = true, signal }: TransferOptions,
): Promise<TransferResult> {
  if (kind === 'file' || kind === 'other') throw unfit(path, 'is no folder');
  // In the folder that is there: beside it there may be another file system.
  const place = temporaryIn(kind === 'folder' ? path : folderOf(path));
  await mkdir(bytesOf(place), 0o700);
  const tree = new LocalTree(place);
  const tally = new Tally(onProgress);
  try {
    try {
      await unpackArchive(readTree(calls, remote, { signal }), tree, path, tally);
    } catch (error) {
      if (!(error instanceof RunletClientError) || error.code !== 'INTERRUPTED') throw error;
      // No archive can be gone on with, but what has come need not come again.
      tally.reset();
      await fetchFolder(calls, remote, tree, path, tally, signal);
    }
    if (kind === 'folder') await mergeTree(place, path, replace);
    else await rename(bytesOf(place), bytesOf(path));
  } catch (error) {
    await removeTree(place);
    throw error;
  }
  await tree.finish(path);
  return tally.result;
}

/** Removes a folder that was made for this, whatever it may be entered for. */
async function removeTree(place: ByteText): Promise<void> {
  await rm(bytesOf(place), { recursive: true, force: true });
}

function keptOf({ mode, modifyTimeNs }: FileInfo): Parameters<typeof finishFile>[1] {
  return { mode, modifyTimeNs };
}

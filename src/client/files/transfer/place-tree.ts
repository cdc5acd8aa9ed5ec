import type { Dirent } from 'node:fs';
import { readdir, rename, rmdir } from 'node:fs/promises';
import { type ByteText, below, bytesOf, lstatOf, unfit } from './local-path.ts';

/**
 * Moves what is in a new folder to another, file by file. Nothing is done where something is in the
 * way; then all that is not moved is left where it is.
 *
 * @throws RunletClientError `LOCAL_FILE_UNFIT` something is in the way
 */
export async function mergeTree(from: ByteText, to: ByteText, replace: boolean): Promise<void> {
  const skipped = from.startsWith(`${to}/`) ? from.slice(to.length + 1) : undefined;
  await checkFolder(from, to, replace);
  await moveFolder(from, to, skipped);
}

async function checkFolder(from: ByteText, to: ByteText, replace: boolean): Promise<void> {
  for (const { isFolder, name } of await entriesOf(from)) {
    const target = below(to, name);
    const stats = await lstatOf(target);
    if (stats === undefined) continue;
    if (isFolder !== stats.isDirectory()) throw unfit(target, 'is in the way');
    if (isFolder) await checkFolder(below(from, name), target, replace);
    else if (!replace) throw unfit(target, 'is there already');
  }
}

async function moveFolder(from: ByteText, to: ByteText, skipped?: ByteText): Promise<void> {
  for (const { isFolder, name } of await entriesOf(from)) {
    if (name === skipped) continue;
    const source = below(from, name);
    const target = below(to, name);
    // A link is none, also one that leads to a folder.
    const isThere = isFolder && (await lstatOf(target))?.isDirectory() === true;
    if (isThere) await moveFolder(source, target);
    else await rename(bytesOf(source), bytesOf(target));
  }
  await rmdir(bytesOf(from));
}

async function entriesOf(
  folder: ByteText,
): Promise<readonly { readonly name: ByteText; readonly isFolder: boolean }[]> {
  const entries: readonly Dirent<Buffer>[] = await readdir(bytesOf(folder), {
    withFileTypes: true,
    encoding: 'buffer',
  });
  return entries.map((entry) => ({
    name: entry.name.toString('latin1'),
    isFolder: entry.isDirectory(),
  }));
}

import { setMaxListeners } from 'node:events';
import { RunletClientError } from '../../client-error.ts';
import { joinSignals } from '../../joined-signal.ts';
import type { SystemText } from '../../process-spec.ts';
import { statFile } from '../change-files.ts';
import type { FileCalls } from '../file-calls.ts';
import { failureError } from '../file-error.ts';
import { type FileInfo, pathOf } from '../file-info.ts';
import { walkDirectory } from '../listings.ts';
import { readFile } from '../read-file.ts';
import { Jobs } from './jobs.ts';
import { type ByteText, below, bytesOf } from './local-path.ts';
import type { Kept, LocalTree } from './local-tree.ts';
import type { Tally } from './transfer-options.ts';
import { writeAll } from './unpack-archive.ts';

/** Files that are fetched at a time. */
const AT_A_TIME = 16;

/**
 * Fetches a folder file by file, but for the files that are there already: each goes on over as
 * many connections as it takes.
 */
export async function fetchFolder(
  calls: FileCalls,
  remote: SystemText,
  tree: LocalTree,
  shownFolder: ByteText,
  tally: Tally,
  given: AbortSignal | undefined,
): Promise<void> {
  const over = new AbortController();
  const { release, signal } = joinSignals(given, over.signal);
  // Some listeners for each file.
  setMaxListeners(0, signal);
  const jobs = new Jobs(AT_A_TIME);
  try {
    const folder = await statFile(calls, remote, { signal });
    await tree.folder('', keptOf(folder));
    const start = withoutSlashes(byteTextOf(remote)).length;
    const options = {
      signal,
      onFailure: (failure: Parameters<typeof failureError>[0]) => {
        throw failureError(failure);
      },
    };
    for await (const file of walkDirectory(calls, remote, options)) {
      const path = byteTextOf(pathOf(file)).slice(start).replace(/^\/+/, '');
      const shown = bytesOf(below(shownFolder, path));
      if (file.kind === 'directory') await tree.folder(path, keptOf(file));
      else if (file.kind === 'regular') {
        await jobs.begin(() =>
          fetchFile(calls, file, path, tree, signal, (n) => tally.add(shown, n, 0)),
        );
      } else {
        await tree.clear(path);
        await tree.symlink(path, linkTargetOf(file), keptOf(file));
      }
      tally.add(shown, 0, 1);
    }
    await jobs.end();
  } catch (error) {
    over.abort(error);
    throw error;
  } finally {
    await jobs.settle();
    release();
  }
}

async function fetchFile(
  calls: FileCalls,
  file: FileInfo,
  path: ByteText,
  tree: LocalTree,
  signal: AbortSignal,
  add: (bytes: number) => void,
): Promise<void> {
  const kept = keptOf(file);
  if (await tree.has(path, file.size, kept)) {
    add(file.size);
    return;
  }
  await tree.clear(path);
  await tree.file(path, kept, async (handle) => {
    for await (const piece of readFile(calls, pathOf(file), { signal })) {
      await writeAll(handle, piece);
      add(piece.length);
    }
  });
}

function linkTargetOf({ kind, linkTarget = '', path, rawLinkTarget }: FileInfo): ByteText {
  if (kind === 'symlink') return byteTextOf(rawLinkTarget ?? linkTarget);
  throw new RunletClientError('LOCAL_FILE_UNFIT', `${path} is no file, folder or link`);
}

function keptOf({ mode, modifyTimeNs }: FileInfo): Kept {
  return { mode, modifyTimeNs };
}

function byteTextOf(text: SystemText): ByteText {
  return Buffer.from(text as Uint8Array).toString('latin1');
}

function withoutSlashes(path: ByteText): ByteText {
  return path.replace(/\/+$/, '');
}

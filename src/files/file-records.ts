import { readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createRunFolder, removeRunFolder, staleRunFolders } from '../output/spool/run-folder.ts';
import { parseRecord, RECORD_NAME } from './temporary-record.ts';
import type { FileWorkers } from './workers/file-workers.ts';

/** What a server tells of names that are there while files are made, for the one after it. */
export interface FileRecords {
  /** The folder that they are in. */
  readonly folder: string;
  /**
   * Removes what servers have left that are gone, as their records tell. Never rejects.
   *
   * @param onProblem told what could not be removed: its record stays
   */
  sweep(workers: FileWorkers, onProblem: (error: unknown) => void): Promise<void>;
  /** Removes the folder, unless something is left that it tells of. */
  close(): Promise<void>;
}

/**
 * Makes the folder of this server.
 *
 * @param stateFolder undefined: there are no records
 * @throws Error that says what is wrong with the state folder
 */
export async function openFileRecords(
  stateFolder: string | undefined,
): Promise<FileRecords | undefined> {
  if (stateFolder === undefined) return undefined;
  const run = await createRunFolder(stateFolder, 'files');
  return {
    folder: run.path,
    async sweep(workers, onProblem) {
      const stale = { now: Date.now(), onProblem };
      for (const path of await staleRunFolders(stateFolder, 'files', stale)) {
        try {
          await sweepFolder(path, workers, onProblem);
        } catch (error) {
          onProblem(error);
        }
      }
    },
    async close() {
      const left = await recordsIn(run.path).catch(() => []);
      if (left.length === 0) await run.remove().catch(() => {});
    },
  };
}

async function sweepFolder(
  folder: string,
  workers: FileWorkers,
  onProblem: (error: unknown) => void,
): Promise<void> {
  for (const name of await recordsIn(folder)) {
    const path = join(folder, name);
    const record = parseRecord(await readFile(path, 'utf8'));
    try {
      // One that is not whole was about to be made: nothing had the name.
      if (record !== undefined) await removeTold(workers, record);
      await unlink(path);
    } catch (error) {
      onProblem(error);
    }
  }
  if ((await recordsIn(folder)).length === 0) await removeRunFolder(folder);
}

async function removeTold(
  workers: FileWorkers,
  record: NonNullable<ReturnType<typeof parseRecord>>,
): Promise<void> {
  if ('placeholder' in record) await workers.run(SWEEPER, 'removePlaceholder', record);
  else await workers.run(SWEEPER, 'removeTemporary', record);
}

/** The server itself. */
const SWEEPER = { principal: '', asker: 'sweeper' };

async function recordsIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => RECORD_NAME.test(name));
}

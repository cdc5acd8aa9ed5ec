import { type Clock, systemClock, type Timer } from '../../clock.ts';
import {
  SPOOL_CLOSE_MS,
  SPOOL_KEEP_MS,
  SPOOL_READS,
  SPOOL_SEGMENT_BYTES,
  SPOOL_WRITES,
} from '../sizes.ts';
import { IoSlots } from './io-slots.ts';
import { createRunFolder, removeRunFolder, sweepRunFolders } from './run-folder.ts';
import { MAX_PROCESS_ID_BYTES } from './segment-format.ts';
import { type SpoolFiles, systemFiles } from './spool-files.ts';
import { SegmentedLog, type SpoolLog, type SpoolRun } from './spool-log.ts';

/** How a spool is opened. */
export interface SpoolOptions {
  /**
   * Where run folders are made. Made with mode 0700 if it is missing; must not
   * belong to another user or be writable by others.
   */
  readonly stateFolder: string;
  /**
   * A new file is begun rather than that one grows beyond this, in bytes; default
   * {@link SPOOL_SEGMENT_BYTES}. A block that is larger has a file of its own.
   */
  readonly segmentBytes?: number;
  /** The file system; default that of the machine. */
  readonly files?: SpoolFiles;
  /** Default the machine's. */
  readonly clock?: Clock;
  /**
   * Told of what went wrong where nobody waits for it: sweeping what dead servers
   * left, and removing files. Default: ignored.
   */
  readonly onProblem?: (problem: unknown) => void;
}

/** The files of one server run. */
export interface Spool {
  /**
   * The log of one process. Makes no file yet.
   *
   * @throws RangeError if the id has more than 65,535 bytes
   */
  openLog(owner: { readonly processId: string }): SpoolLog;
  /** Bytes of all segment files; of those that go, no longer. */
  readonly bytes: number;
  /**
   * Closes all logs and removes everything, the run's folder too. Where a disk does not answer
   * it stays after {@link SPOOL_CLOSE_MS}. Idempotent, never rejects.
   */
  close(): Promise<void>;
}

/**
 * Makes the folder of this server run, and removes those that dead servers left, the latest
 * of them after {@link SPOOL_KEEP_MS}.
 *
 * @throws Error that says what is wrong with the state folder
 */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { stateFolder, clock = systemClock, onProblem = () => {} } = options;
  const folder = await createRunFolder(stateFolder);
  const left = await sweepRunFolders(stateFolder, {
    now: clock.now(),
    onProblem,
    keepMs: SPOOL_KEEP_MS,
  });
  let keeping: Timer | undefined;
  if (left !== undefined) {
    const keptMs = Math.max(0, clock.now() - left.changedMs);
    keeping = clock.setTimer(Math.max(0, SPOOL_KEEP_MS - keptMs), () => {
      void removeRunFolder(left.path).catch(onProblem);
    });
  }

  let bytes = 0;
  let ordinal = 0;
  /** Those whose files are not gone yet. */
  const logs = new Set<SegmentedLog>();
  let closed: Promise<void> | undefined;
  const run: SpoolRun = {
    folder,
    clock,
    onProblem,
    files: options.files ?? systemFiles,
    segmentBytes: options.segmentBytes ?? SPOOL_SEGMENT_BYTES,
    writes: new IoSlots(SPOOL_WRITES),
    reads: new IoSlots(SPOOL_READS),
    onBytes: (change) => {
      bytes += change;
    },
    onEnd: (log) => {
      logs.delete(log);
    },
  };

  async function removeAll(): Promise<void> {
    await Promise.all([...logs].map((log) => log.end()));
    await folder.remove().catch(onProblem);
  }

  async function close(): Promise<void> {
    keeping?.cancel();
    let bound: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      bound = clock.setTimer(SPOOL_CLOSE_MS, () => {
        onProblem(new Error(`the disk does not answer: ${folder.path} is left behind`));
        resolve();
      });
    });
    await Promise.race([removeAll(), late]);
    bound?.cancel();
  }

  return {
    openLog({ processId }) {
      if (Buffer.byteLength(processId) > MAX_PROCESS_ID_BYTES) {
        throw new RangeError(`a process id of more than ${MAX_PROCESS_ID_BYTES} bytes`);
      }
      const log = new SegmentedLog(run, processId, ordinal++);
      logs.add(log);
      // A log that is opened after the end takes nothing any more.
      if (closed !== undefined) log.close();
      return log;
    },
    get bytes() {
      return bytes;
    },
    close() {
      closed ??= close();
      return closed;
    },
  };
}

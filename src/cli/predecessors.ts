import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../clock.ts';
import { assertUnsharedFolder, ensureUnsharedFolder } from '../private-folder.ts';
import type { Launcher } from '../process/launcher.ts';
import {
  type Estate,
  LeftoverEnding,
  type LeftoverLog,
} from '../process/leftovers/leftover-ending.ts';
import { type OwnRecord, writeRecord } from '../process/leftovers/record-file.ts';
import { recordOfThis } from '../process/leftovers/server-record.ts';
import { ownFolderEstates } from './own-folder.ts';

/** The names of the records of servers in a state folder, unfinished ones too. */
const RECORD_NAME = /^server-\d+-[0-9a-f]{16}(\.new)?$/;

/** How predecessors are looked for. */
export interface PredecessorOptions {
  /** The state folder of this server; undefined: it has none. */
  readonly stateFolder: string | undefined;
  readonly launcher: Launcher;
  readonly log: LeftoverLog;
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly graceMs: number;
}

/** What ends what earlier servers left. */
export interface Predecessors {
  /** Resolves when it is over. */
  readonly over: Promise<void>;
  /** Resolves when it is over, with at most so many milliseconds more until SIGKILL. */
  settle(graceMs: number): Promise<void>;
}

/**
 * Writes down, before anything is started, by what the next server will find what this
 * one leaves if it is killed. Undefined: it cannot be written, which is logged.
 */
export async function recordServer(
  path: string,
  launcher: Launcher,
  log: LeftoverLog,
): Promise<OwnRecord | undefined> {
  try {
    return writeRecord(path, await recordOfThis(launcher.marking?.range));
  } catch (err) {
    log.warn({ err }, NOT_RECORDED);
    return undefined;
  }
}

/** Does so in a state folder, if there is one; it is made if it is missing. */
export async function recordInState(
  stateFolder: string | undefined,
  launcher: Launcher,
  log: LeftoverLog,
): Promise<OwnRecord | undefined> {
  if (stateFolder === undefined) return undefined;
  try {
    await ensureUnsharedFolder(stateFolder);
  } catch (err) {
    log.warn({ err }, NOT_RECORDED);
    return undefined;
  }
  const name = `server-${process.pid}-${randomBytes(8).toString('hex')}`;
  return recordServer(join(stateFolder, name), launcher, log);
}

const NOT_RECORDED = 'what this server leaves if it is killed is not found';

/**
 * Ends, beside all else, what servers left that were killed: those of the state folder, and this
 * user's servers of their own.
 */
export function endPredecessors(options: PredecessorOptions): Predecessors {
  const { graceMs, launcher, log, stateFolder } = options;
  const { marking } = launcher;
  const ending = new LeftoverEnding({ marking, clock: systemClock, log, graceMs });
  const over = Promise.all([stateEstates(stateFolder), ownFolderEstates()]).then((estates) =>
    ending.end(estates.flat()),
  );
  return {
    over,
    settle(shorterMs) {
      ending.shorten(shorterMs);
      return over;
    },
  };
}

async function stateEstates(stateFolder: string | undefined): Promise<readonly Estate[]> {
  if (stateFolder === undefined) return [];
  const names = await assertUnsharedFolder(stateFolder).then(
    () => readdir(stateFolder),
    () => [],
  );
  return names
    .filter((name) => RECORD_NAME.test(name))
    .map((name) => ({ record: join(stateFolder, name) }));
}

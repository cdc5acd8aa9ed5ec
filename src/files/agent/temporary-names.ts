import { randomBytes } from 'node:crypto';
import { readlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatRecord, type TemporaryRecord } from '../temporary-record.ts';
import { LaterRemovals } from './later-removals.ts';
import { pathOf } from './places.ts';
import { removeTemporary } from './remove-temporary.ts';

/** Bytes of chance in a name: nobody guesses it. */
const CHANCE_BYTES = 16;

/** A name that was taken for something temporary. */
export interface TemporaryName {
  readonly name: Buffer;
  /** There is nothing of this name any more. */
  release(): void;
  /** What has it could not be removed: that is tried again. */
  removeLater(): void;
}

/** Names for what is made beside its place first. */
export class TemporaryNames {
  readonly #records: string | undefined;
  readonly #later = new LaterRemovals(removeTemporary);

  /** @param records the folder in which names are told; undefined: they are not */
  constructor(records: string | undefined) {
    this.#records = records;
  }

  /**
   * A name in an open folder. It is told before anything has it, so that the next server removes
   * what a crash leaves.
   */
  take(folder: number): TemporaryName {
    const chance = randomBytes(CHANCE_BYTES).toString('base64url');
    const name = `.runlet-${chance}`;
    const record = this.#records && join(this.#records, `${chance}.json`);
    const told = { folder: pathInBase64(folder), name };
    if (record !== undefined) tell(record, told);
    const release = (): void => {
      if (record !== undefined) forget(record);
    };
    return {
      name: Buffer.from(name),
      release,
      removeLater: () => this.#later.add(told, release),
    };
  }
}

function pathInBase64(folder: number): string {
  return readlinkSync(pathOf(folder), { encoding: 'buffer' }).toString('base64');
}

function tell(record: string, told: TemporaryRecord): void {
  try {
    writeFileSync(record, formatRecord(told), { flag: 'wx', mode: 0o600 });
  } catch {
    // A disk that is full keeps nobody from writing to another; what this is for is a crash.
  }
}

function forget(record: string): void {
  try {
    unlinkSync(record);
  } catch {
    // It could not be told, or the folder was removed.
  }
}

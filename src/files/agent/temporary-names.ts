import { randomBytes } from 'node:crypto';
import { readlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatRecord } from '../temporary-record.ts';
import { pathOf } from './places.ts';

/** Bytes of chance in a name: nobody guesses it. */
const CHANCE_BYTES = 16;

/** A name that was taken for something temporary. */
export interface TemporaryName {
  readonly name: Buffer;
  /** There is nothing of this name any more. */
  release(): void;
}

/** Names for what is made beside its place first. */
export class TemporaryNames {
  readonly #records: string | undefined;

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
    if (record !== undefined) tell(record, folder, name);
    return {
      name: Buffer.from(name),
      release() {
        if (record !== undefined) forget(record);
      },
    };
  }
}

function tell(record: string, folder: number, name: string): void {
  const path = readlinkSync(pathOf(folder), { encoding: 'buffer' });
  try {
    const text = formatRecord({ folder: path.toString('base64'), name });
    writeFileSync(record, text, { flag: 'wx', mode: 0o600 });
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

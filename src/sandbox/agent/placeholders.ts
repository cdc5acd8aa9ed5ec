import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Agent } from '../../files/agent/agent.ts';
import { bytesOfText } from '../../system-text.ts';
import type { PlaceholderRecord } from '../placeholder-record.ts';
import { errnoNameOfError } from './sandbox-fault.ts';

/** An empty folder that was made so that nothing else is made at its path. */
export interface Placeholder {
  readonly path: string;
  readonly dev: bigint;
  readonly ino: bigint;
  /** The path of the file that tells the next server of it; undefined: it is not told. */
  readonly record: string | undefined;
}

/** Bytes of chance in the name of a record: see temporary-record.ts. */
const CHANCE_BYTES = 16;

/**
 * Makes one, which must not be there. It is told before it is there, so that the next server removes
 * what a crash leaves.
 *
 * @throws Error of the system
 */
export function makePlaceholder({ records }: Pick<Agent, 'records'>, path: string): Placeholder {
  const bytes = bytesOfText(path);
  const record = records && tell(records, { placeholder: bytes.toString('base64') });
  try {
    mkdirSync(bytes, { mode: 0o755 });
    const { dev, ino } = lstatSync(bytes, { bigint: true });
    return { path, dev, ino, record };
  } catch (error) {
    forget(record);
    throw error;
  }
}

/** Removes placeholders that are what they were, and still empty. Those inside of others come last. */
export function removePlaceholders(_agent: Agent, made: readonly Placeholder[]): void {
  let problem: unknown;
  for (const { dev, ino, path, record } of [...made].reverse()) {
    const bytes = bytesOfText(path);
    try {
      const found = lstatSync(bytes, { bigint: true });
      if (found.dev === dev && found.ino === ino) rmdirSync(bytes);
    } catch (error) {
      if (!isOver(error)) problem ??= error;
      if (!isOver(error)) continue;
    }
    forget(record);
  }
  if (problem !== undefined) throw problem;
}

/** Removes one that a server has left, if it is still empty. */
export function removePlaceholder(_agent: Agent, { placeholder }: PlaceholderRecord): void {
  try {
    rmdirSync(Buffer.from(placeholder, 'base64'));
  } catch (error) {
    if (!isOver(error)) throw error;
  }
}

/** Whether there is nothing to remove any more: it is gone, or somebody uses it. */
function isOver(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST'].includes(errnoNameOfError(error) ?? '');
}

function tell(folder: string, told: PlaceholderRecord): string | undefined {
  const record = join(folder, `${randomBytes(CHANCE_BYTES).toString('base64url')}.json`);
  try {
    writeFileSync(record, `${JSON.stringify(told)}\n`, { flag: 'wx', mode: 0o600 });
    return record;
  } catch {
    // A disk that is full keeps nobody from running; what this is for is a crash.
    return undefined;
  }
}

function forget(record: string | undefined): void {
  if (record === undefined) return;
  try {
    unlinkSync(record);
  } catch {
    // The folder was removed.
  }
}

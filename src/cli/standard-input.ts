import type { Writable } from 'node:stream';
import { writeStandardError } from './standard-error.ts';

/** How standard input is passed on. */
export interface FeedOptions {
  /** What is passed on of a piece; undefined: this and all that follows is not. */
  readonly filter?: (data: Buffer) => Buffer | undefined;
  /** Whether its end is passed on, too. Default: true. */
  readonly end?: boolean;
}

/**
 * Copies our standard input to a process's, as fast as that reads. One that cannot be read
 * is said to be so, and is not taken for one that ended. Never rejects.
 */
export async function feedStandardInput(
  target: Writable | null,
  { end = true, filter = (data) => data }: FeedOptions = {},
): Promise<void> {
  if (target === null) return;
  try {
    // Left open: a terminal has to be made what it was before.
    for await (const data of process.stdin.iterator({ destroyOnReturn: false })) {
      const passed = filter(data as Buffer);
      if (passed === undefined) return;
      // A process need not read its stdin; and if it cannot be written to for another reason,
      // the calls that matter fail too and say so.
      if (!(await written(target, passed))) return;
    }
  } catch (error) {
    writeStandardError(`runlet: standard input: ${String(error)}\n`);
    return;
  }
  if (end) target.end();
}

/** Whether a piece could be written. */
function written(target: Writable, data: Buffer): Promise<boolean> {
  return new Promise((resolve) => target.write(data, (error) => resolve(!error)));
}

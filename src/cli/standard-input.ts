import type { Writable } from 'node:stream';
import { say } from './print.ts';

/** How standard input is passed on. */
export interface FeedOptions {
  /** What is passed on of a piece; undefined: this and all that follows is not. */
  readonly filter?: (data: Buffer) => Buffer | undefined;
  /** Whether its end is passed on, too. Default: true. */
  readonly end?: boolean;
  /**
   * Bytes that are read though the process has not taken them, so that `filter` sees what is
   * typed while it does not. Default: none, since what is read is nobody else's any more.
   */
  readonly aheadBytes?: number;
}

/**
 * Copies our standard input to a process's, as fast as that reads. One that cannot be read
 * is said to be so, and is not taken for one that ended. Never rejects.
 */
export async function feedStandardInput(
  target: Writable | null,
  { aheadBytes = 0, end = true, filter = (data) => data }: FeedOptions = {},
): Promise<void> {
  if (target === null) return;
  const written = writerTo(target, aheadBytes);
  try {
    // Left open: a terminal has to be made what it was before.
    for await (const data of process.stdin.iterator({ destroyOnReturn: false })) {
      const passed = filter(data as Buffer);
      if (passed === undefined) return;
      // A process need not read its stdin; and if it cannot be written to for another reason,
      // the calls that matter fail too and say so.
      if (!(await written(passed))) return;
    }
  } catch (error) {
    say(`standard input: ${String(error)}`);
    return;
  }
  if (end) target.end();
}

/**
 * Writes pieces. Resolves when no more than so many bytes wait to be written, with whether all
 * before could be.
 */
function writerTo(target: Writable, aheadBytes: number): (data: Buffer) => Promise<boolean> {
  let waiting = 0;
  let failed = false;
  let wake = (): void => {};
  return async (data) => {
    waiting += data.byteLength;
    target.write(data, (error) => {
      waiting -= data.byteLength;
      if (error) failed = true;
      wake();
    });
    while (waiting > aheadBytes && !failed) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return !failed;
  };
}

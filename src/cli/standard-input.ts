import { fstatSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { untilMayRead } from './foreground.ts';
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
 * Whether a program can be given our standard input itself. A terminal is shared with more than
 * that program; and one that is our output as well, we write to without blocking, which is how a
 * descriptor is for all who share it.
 */
export function canShareStandardInput(): boolean {
  if (isatty(0)) return false;
  const input = fstatSync(0);
  if (input.isFile()) return true;
  return [1, 2].every((fd) => {
    const { dev, ino } = fstatSync(fd);
    return dev !== input.dev || ino !== input.ino;
  });
}

let failed = false;

/**
 * Copies our standard input to a process's, as fast as that reads, and its end. One that cannot
 * be read is said to be so, ends there, and makes this program fail; one that is not open for
 * reading has ended, as nohup(1) has it. A terminal is read only while it is given to us.
 * Never rejects.
 */
export async function feedStandardInput(
  target: Writable | null,
  { aheadBytes = 0, end = true, filter = (data) => data }: FeedOptions = {},
): Promise<void> {
  if (target === null) return;
  const written = writerTo(target, aheadBytes);
  try {
    for await (const data of standardInput()) {
      const passed = filter(data);
      if (passed === undefined) return;
      // A process need not read its stdin; and if it cannot be written to for another reason,
      // the calls that matter fail too and say so.
      if (!(await written(passed))) return;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBADF') {
      say(`standard input: ${(error as Error).message}`);
      failed = true;
    }
  }
  if (end) target.end();
}

/** Whether standard input could not be read to its end. */
export function standardInputFailed(): boolean {
  return failed;
}

/** What comes on standard input. It is not read before that is asked for, nor further. */
export async function* standardInput(): AsyncGenerator<Buffer> {
  // Node.js takes it for one that has ended.
  if (fstatSync(0).isDirectory()) throw new Error('it is a directory (EISDIR)');
  await untilMayRead(0);
  const { stdin } = process;
  const pieces: Buffer[] = [];
  let over = false;
  let failure: Error | undefined;
  let wake = (): void => {};
  const onData = (data: Buffer): void => {
    pieces.push(data);
    stdin.pause();
    wake();
  };
  const onEnd = (): void => {
    over = true;
    wake();
  };
  const onError = (error: Error): void => {
    failure = error;
    wake();
  };
  // A shell that stopped us may have us go on in the background.
  const onContinued = (): void => {
    stdin.pause();
    wake();
  };
  stdin.pause();
  stdin.on('data', onData).once('end', onEnd).once('close', onEnd).on('error', onError);
  process.on('SIGCONT', onContinued);
  try {
    for (;;) {
      const data = pieces.shift();
      if (data !== undefined) yield data;
      else if (failure !== undefined) throw failure;
      else if (over) return;
      else {
        await untilMayRead(0);
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        stdin.resume();
        await woken;
      }
    }
  } finally {
    // Left open: a terminal has to be made what it was before.
    stdin.pause();
    stdin.off('data', onData).off('end', onEnd).off('close', onEnd);
    process.off('SIGCONT', onContinued);
  }
}

/**
 * How much is read ahead of a process that goes on reading, at most: two calls' worth, so that one
 * is on its way while another is answered.
 */
const MAX_AHEAD_BYTES = 1024 * 1024;

/**
 * Writes pieces. Resolves when no more than so many bytes wait to be written, or than the process
 * has taken before, with whether all before could be.
 */
function writerTo(target: Writable, aheadBytes: number): (data: Buffer) => Promise<boolean> {
  let waiting = 0;
  let taken = 0;
  let broken = false;
  let wake = (): void => {};
  return async (data) => {
    waiting += data.byteLength;
    target.write(data, (error) => {
      waiting -= data.byteLength;
      taken += data.byteLength;
      if (error) broken = true;
      wake();
    });
    while (waiting > Math.max(aheadBytes, Math.min(taken, MAX_AHEAD_BYTES)) && !broken) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return !broken;
  };
}

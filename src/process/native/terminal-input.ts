import { Writable } from 'node:stream';
import { type Clock, systemClock, type Timer } from '../../clock.ts';

/**
 * The character EOT, which ends the input of a terminal that is not in raw mode: a read gets
 * what was typed since the end of the last line, and end-of-file only if that is nothing, termios(3).
 */
const EOT = 4;

/** After these a line begins. A terminal makes the second of the first unless told otherwise. */
const LINE_ENDS: readonly (number | undefined)[] = [undefined, 13, 10, EOT];

/** Bytes that are offered in one turn of the event loop at most: a program may read as fast. */
const TURN_BYTES = 64 * 1024;

/**
 * How soon a terminal is tried again that took something, and how much later each time that
 * it took nothing, to a bound: who has not read for long can wait as long again, and a
 * hundred that never read must cost next to nothing.
 */
const FIRST_DELAY_MS = 1;
const DELAY_GROWTH = 2;
const MAX_DELAY_MS = 100;

/**
 * Writes as much as there is room for, without ever waiting, and returns how much that was.
 *
 * @throws Error if nothing can be written any more
 */
export type WriteNow = (data: Uint8Array) => number;

/**
 * Writes to a terminal, which takes only some KiB that its program has not read. Nothing
 * says when there is room again: the kernel wakes whoever polls the master's end before it
 * has made that room, and not after. So it is tried again, ever more rarely.
 */
export function terminalInput(writeNow: WriteNow, clock: Clock = systemClock): Writable {
  let last: number | undefined;
  let timer: Timer | undefined;
  let waiting: ((error: Error) => void) | undefined;

  const write = (data: Uint8Array, callback: (error?: Error) => void): void => {
    last = data.at(-1) ?? last;
    let rest = data;
    let delayMs = FIRST_DELAY_MS;
    const settle = (error?: Error): void => {
      waiting = undefined;
      callback(error);
    };
    waiting = settle;
    const go = (): void => {
      let written: number;
      try {
        written = writeNow(rest.subarray(0, TURN_BYTES));
      } catch (error) {
        settle(error as Error);
        return;
      }
      rest = rest.subarray(written);
      if (rest.byteLength === 0) {
        settle();
        return;
      }
      delayMs = written > 0 ? FIRST_DELAY_MS : Math.min(delayMs * DELAY_GROWTH, MAX_DELAY_MS);
      timer = clock.setTimer(delayMs, go);
    };
    go();
  };

  return new Writable({
    write: (data: Uint8Array, _, callback) => write(data, callback),
    final: (callback) =>
      write(Buffer.from(LINE_ENDS.includes(last) ? [EOT] : [EOT, EOT]), callback),
    destroy: (error, callback) => {
      timer?.cancel();
      waiting?.(error ?? new Error('the terminal was closed'));
      callback(error);
    },
  });
}

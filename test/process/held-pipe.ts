import { Writable } from 'node:stream';
import { RunletError } from '../../src/errors.ts';
import type { StdinBudget } from '../../src/process/stdin-budgets.ts';
import { StdinPipe, type StdinWrite } from '../../src/process/stdin-pipe.ts';

/** A sink that keeps each write until the test lets it go on, and a pipe to it. */
export function heldPipe(maxQueuedBytes = 1000, minWriteBytes = 0, budget?: StdinBudget) {
  const arrived: Buffer[] = [];
  let closedCalls = 0;
  let held: ((error: Error | null) => void) | undefined;
  const settle = (error: Error | null): boolean => {
    const callback = held;
    held = undefined;
    callback?.(error);
    return callback !== undefined;
  };
  const sink = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      held = (error) => {
        if (error === null) arrived.push(chunk);
        callback(error);
      };
    },
    // As a socket does: what is being written when it is destroyed fails.
    destroy(error, callback) {
      settle(new Error('ECANCELED'));
      callback(error);
    },
  });
  const pipe = new StdinPipe(sink, {
    maxQueuedBytes,
    minWriteBytes,
    onClosed: () => closedCalls++,
    ...(budget === undefined ? {} : { budget }),
  });
  return {
    pipe,
    sink,
    /** Lets the write under way succeed; false: there is none. */
    release: () => settle(null),
    fail: () => settle(new Error('EPIPE')),
    isHeld: () => held !== undefined,
    received: () => Buffer.concat(arrived).toString(),
    closedCalls: () => closedCalls,
    write(data: string, options: Partial<StdinWrite> = {}, signal = never) {
      const write = { offset: undefined, eof: false, ...options, data: Buffer.from(data) };
      return outcomeOf(pipe.write(write, signal));
    },
  };
}

/** The signal of a call that is not given up. */
export const never = new AbortController().signal;

/** How a promise settles: its value, or the reason of its error. */
function outcomeOf(promise: Promise<number>): { value: unknown; settled: Promise<unknown> } {
  const outcome: { value: unknown; settled: Promise<unknown> } = {
    value: 'pending',
    settled: promise.then(
      (accepted) => {
        outcome.value = accepted;
        return accepted;
      },
      (error: unknown) => {
        outcome.value = error instanceof RunletError ? error.reason : error;
        return outcome.value;
      },
    ),
  };
  return outcome;
}

/** Everything that can happen without the test's doing has happened. */
export const quiet = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

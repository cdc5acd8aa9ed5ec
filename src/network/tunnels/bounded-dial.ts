import type { Clock } from '../../clock.ts';
import { DialError } from '../dial-error.ts';

/** How long something may take, and who may give it up. */
export interface DialBounds {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The longest that a timer of Node.js waits. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Connects to what `target` names, for people. `dial` is given a signal that aborts when it is to
 * give up, and frees what it holds then.
 *
 * @throws DialError `TIMEOUT`, the signal's reason where that aborts, and what `dial` throws
 */
export async function boundedDial<T>(
  target: string,
  { clock, signal, timeoutMs }: DialBounds,
  dial: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const ends = new AbortController();
  const giveUp = (): void => ends.abort(signal.reason);
  const timer = clock.setTimer(Math.min(timeoutMs, MAX_TIMER_MS), () => {
    const message = `it took too long to connect to ${target}`;
    const stage = 'TIMEOUT';
    ends.abort(new DialError({ stage, errnoName: 'ETIMEDOUT', message, target, rule: '' }));
  });
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await dial(ends.signal);
  } catch (error) {
    // Whatever it was busy with.
    ends.signal.throwIfAborted();
    throw error;
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', giveUp);
  }
}

/**
 * What a promise resolves with, unless the signal aborts before: then `late` is given what comes.
 *
 * @throws the signal's reason
 */
export function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  late: (value: T) => void = () => {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      reject(signal.reason);
      promise.then(late, () => {});
    };
    if (signal.aborted) {
      giveUp();
      return;
    }
    signal.addEventListener('abort', giveUp, { once: true });
    const settle = (): void => signal.removeEventListener('abort', giveUp);
    promise.then(resolve, reject).finally(settle);
  });
}

import type { Clock } from '../clock.ts';
import { ConnectionError } from './errors.ts';

/** What a promise gives, or a `ConnectionError` if it is not settled within the time. */
export function within<T>(promise: Promise<T>, ms: number, clock: Clock, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(ms, () =>
      reject(new ConnectionError(`${what} within ${Math.round(ms)} ms`, false)),
    );
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}

/** Resolves when the time has passed, or the signal aborts. */
export function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.setTimer(ms, done);
    signal.addEventListener('abort', done);
  });
}

/** Resolves when the signal has aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/**
 * What a promise gives, or the reason of the signal as soon as that aborts. What the promise
 * fails of then is nobody's concern.
 */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => {});
  signal.throwIfAborted();
  let abort = (): void => {};
  const given = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
  });
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([promise, given]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

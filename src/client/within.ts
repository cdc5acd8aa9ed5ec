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

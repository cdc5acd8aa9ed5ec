import type { Clock } from './clock.ts';

/** Settles as a promise does, or resolves with undefined after `ms`: the promise goes on. */
export async function within<T>(
  promise: Promise<T>,
  clock: Clock,
  ms: number,
): Promise<T | undefined> {
  let giveUp = (): void => {};
  const over = new Promise<undefined>((resolve) => {
    giveUp = () => resolve(undefined);
  });
  const timer = clock.setTimer(ms, giveUp);
  try {
    return await Promise.race([promise, over]);
  } finally {
    timer.cancel();
  }
}

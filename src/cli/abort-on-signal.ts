import { endAsBy } from './ending.ts';
import { wasIgnored } from './started-with.ts';

/** Signals that end a command which has something to tidy up. */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Does something that a signal ends in order: it is told by the `AbortSignal`, what it leaves is
 * tidied up, and this program dies of the signal. A second one does not wait for that.
 */
export async function abortedBySignals(use: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  let by: NodeJS.Signals | undefined;
  const listeners = ENDING.filter((signal) => !wasIgnored(signal)).map((signal) => {
    const take = (): void => {
      by ??= signal;
      for (const [each, listener] of listeners) process.off(each, listener);
      controller.abort();
    };
    process.on(signal, take);
    return [signal, take] as const;
  });
  try {
    await use(controller.signal);
  } catch (error) {
    // What it failed with is that it was ended.
    if (by === undefined) throw error;
  } finally {
    for (const [each, listener] of listeners) process.off(each, listener);
  }
  if (by !== undefined) endAsBy(by);
}

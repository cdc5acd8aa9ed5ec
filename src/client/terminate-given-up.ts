import { RemoteError } from './errors.ts';
import type { RemoteProcess } from './remote-process.ts';

/** Terminates a process when a signal aborts before that is closed. */
export function terminateOn(signal: AbortSignal | undefined, process: RemoteProcess): void {
  if (signal === undefined) return;
  const abort = (): void => void process.terminate().catch(() => {});
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  const release = (): void => signal.removeEventListener('abort', abort);
  // Not at its exit: what it left behind is to end, too.
  process.over().then(release, release);
}

/**
 * Ends what came of a start that was given up, as soon as it is known. Where that is not, since
 * the connection broke, a process with an id that was made can only be its own, and `find` gives it;
 * one with an id that the program chose may be another's. Never rejects.
 */
export async function terminateGivenUp(
  starting: Promise<RemoteProcess>,
  find: () => Promise<RemoteProcess> | undefined,
): Promise<void> {
  try {
    const process = await starting.catch((error: unknown) =>
      error instanceof RemoteError ? undefined : find(),
    );
    await process?.terminate();
  } catch {
    // It was never started, or it goes with its session.
  }
}

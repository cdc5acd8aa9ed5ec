import { RemoteError, SessionLostError } from '../client/index.ts';
import type { Clock, Timer } from '../clock.ts';
import { McpShutdownError } from './errors.ts';
import type { TransportSettings } from './options.ts';
import type { RunningServer } from './running-server.ts';

/** How long the calls may take, beside the graces if any, in milliseconds, reconnecting included. */
const CALLS_MS = 5_000;

/**
 * Ends a server process. With `read`, which resolves when all of its output was read, it
 * is asked to by the end of its stdin first, as the protocol wants it. Resolves when it is
 * over, with what went wrong; bounded in time.
 */
export async function shutDown(
  server: RunningServer,
  read: Promise<void> | undefined,
  { clock, graceMs }: Pick<TransportSettings, 'clock' | 'graceMs'>,
): Promise<McpShutdownError | undefined> {
  const ending = end(server, read, clock, graceMs).then(
    () => undefined,
    (error: unknown) => (isGone(error) ? undefined : new McpShutdownError(error)),
  );
  const tooLate = new McpShutdownError(new Error('the runlet server did not answer in time'));
  const failure = await first(ending, tooLate, 2 * graceMs + CALLS_MS, clock);
  if (failure !== undefined) server.abandon();
  return failure;
}

/** Lets go of a session in which nothing was started; bounded in time. Never rejects. */
export async function leave(
  { abandon, release }: Pick<RunningServer, 'abandon' | 'release'>,
  clock: Clock,
): Promise<void> {
  const left = release().then(
    () => true,
    () => true,
  );
  if (!(await first(left, false, CALLS_MS, clock))) abandon();
}

async function end(
  { process, release }: RunningServer,
  read: Promise<void> | undefined,
  clock: Clock,
  graceMs: number,
): Promise<void> {
  try {
    if (read !== undefined) {
      process.stdin.end();
      const exited = process.exited.then(() => {});
      await first(exited, undefined, graceMs, clock);
    }
    // Also when it exited: for what it left behind.
    await process.terminate({ graceMs });
    await read;
  } finally {
    await release();
  }
}

/** What the promise gives, or `otherwise` when the time has passed before. */
async function first<T>(promise: Promise<T>, otherwise: T, ms: number, clock: Clock): Promise<T> {
  let timer: Timer | undefined;
  const passed = new Promise<T>((resolve) => {
    timer = clock.setTimer(ms, () => resolve(otherwise));
  });
  try {
    return await Promise.race([promise, passed]);
  } finally {
    timer?.cancel();
  }
}

/** Whether it was ended by others, or is theirs to end. */
function isGone(error: unknown): boolean {
  if (error instanceof SessionLostError) return true;
  return (
    error instanceof RemoteError &&
    ['SESSION_NOT_FOUND', 'PROCESS_NOT_FOUND', 'PROCESS_EVICTED'].includes(error.reason ?? '')
  );
}

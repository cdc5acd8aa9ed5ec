import type { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Turns of the event loop that an exit waits at most for output to fall quiet:
 * a descendant that writes without end must not hold it back.
 */
const MAX_QUIET_TURNS = 16;

/**
 * Resolves once the event loop went through a whole turn without reading
 * anything from the streams. An exit and output become known in whichever order
 * the kernel's events come; what is in the pipe at exit was written before it, and
 * is read in the turns that this waits for.
 */
export async function quiet(streams: readonly Readable[]): Promise<void> {
  let active = true;
  const onData = (): void => {
    active = true;
  };
  const open = streams.filter((stream) => !stream.readableEnded && !stream.isPaused());
  if (open.length === 0) return;
  for (const stream of open) stream.on('data', onData);
  await nextTurn();
  for (let turns = 0; active && turns < MAX_QUIET_TURNS; turns++) {
    if (open.every((stream) => stream.readableEnded)) break;
    active = false;
    await nextTurn();
  }
  for (const stream of open) stream.removeListener('data', onData);
}

import type { Readable } from 'node:stream';

/**
 * Turns of the event loop that an exit waits at most for output to fall quiet:
 * a descendant that writes without end must not hold it back.
 */
const MAX_QUIET_TURNS = 16;

/**
 * Calls back once the event loop went through a whole turn without reading
 * anything from the streams. An exit and output become known in whichever order
 * the kernel's events come; what is in the pipe at exit was written before it, and
 * is read in the turns that this waits for.
 */
export function whenQuiet(streams: readonly Readable[], callback: () => void): void {
  let active = true;
  let turns = 0;
  const onData = (): void => {
    active = true;
  };
  const open = streams.filter((stream) => !stream.readableEnded && !stream.isPaused());
  for (const stream of open) stream.on('data', onData);
  const look = (): void => {
    const waiting = active && turns < MAX_QUIET_TURNS && open.some((s) => !s.readableEnded);
    if (waiting) {
      active = false;
      turns += 1;
      setImmediate(look);
      return;
    }
    for (const stream of open) stream.removeListener('data', onData);
    callback();
  };
  setImmediate(look);
}

import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * Carries what comes from either of two connections to the other, no faster than that takes it.
 * The end of one direction is passed on and leaves the other direction alone. Where one of them
 * breaks, the other is reset. Resolves with what broke, once both are over; undefined: nothing did.
 */
export function joinStreams(one: Duplex, other: Duplex): Promise<Error | undefined> {
  let broken: Error | undefined;
  const over = (stream: Duplex, peer: Duplex): Promise<void> =>
    new Promise((resolve) => {
      stream.on('error', (error) => {
        broken ??= error;
      });
      const closed = (): void => {
        if (!isComplete(stream)) reset(peer);
        resolve();
      };
      if (stream.destroyed) closed();
      else stream.once('close', closed);
    });
  const both = [over(one, other), over(other, one)];
  one.pipe(other);
  other.pipe(one);
  return Promise.all(both).then(() => broken);
}

/** Ends a connection so that the other side sees that it broke. Idempotent. */
export function reset(stream: Duplex): void {
  if (stream.destroyed) return;
  // Only TCP has resets.
  if (stream instanceof Socket && stream.remotePort !== undefined) stream.resetAndDestroy();
  else stream.destroy();
}

/** Whether both directions of a connection came to their ends. */
function isComplete(stream: Duplex): boolean {
  return stream.readableEnded && stream.writableFinished;
}

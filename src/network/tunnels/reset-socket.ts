import type { Socket } from 'node:net';

/**
 * Ends a connection so that the other side sees that it broke (a reset), and not that it ended.
 * A socket of the file system knows no reset: there it is closed.
 */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  // It is not known of one that is reset already, either.
  if (socket.remoteAddress === undefined) {
    socket.destroy();
  } else if (isShuttingDown(socket)) {
    // libuv refuses it while shutdown(2) is under way, and Node.js would lose the descriptor.
    socket.once('finish', () => resetSocket(socket));
  } else {
    socket.resetAndDestroy();
  }
}

/** Whether all was written and the end of it is being sent, which takes a moment. */
function isShuttingDown({ writableEnded, writableFinished, writableLength }: Socket): boolean {
  return writableEnded && !writableFinished && writableLength === 0;
}

import type { Socket, SocketConnectOpts } from 'node:net';

/**
 * Connects a socket; one that fails, or that nobody waits for any more, is destroyed.
 *
 * @throws Error of the system; the signal's reason
 */
export function connectSocket(
  socket: Socket,
  to: SocketConnectOpts,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      signal.removeEventListener('abort', giveUp);
      socket.off('error', fail);
      // One that breaks before somebody listens for it says so when it is read.
      socket.on('error', () => {});
    };
    const fail = (error: Error): void => {
      settle();
      socket.destroy();
      reject(error);
    };
    const giveUp = (): void => {
      settle();
      socket.destroy();
      reject(signal.reason);
    };
    if (signal.aborted) {
      giveUp();
      return;
    }
    signal.addEventListener('abort', giveUp, { once: true });
    socket.on('error', fail);
    socket.connect(to, () => {
      settle();
      resolve();
    });
  });
}

import { once } from 'node:events';
import type { Server } from 'node:net';
import { onTestFinished } from 'vitest';

/** Has a server listen on the loopback until the test is over, and tells where. */
export async function listenHere(
  server: Server,
): Promise<{ readonly host: string; readonly port: number }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    if ('closeAllConnections' in server) Object(server).closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it has no port');
  return { host: '127.0.0.1', port: address.port };
}

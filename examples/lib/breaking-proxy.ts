import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A way to a server whose connections can be broken. */
export interface BreakingProxy {
  readonly address: string;
  breakAll(): void;
  close(): void;
}

/** Opens one to the server at an address, `unix:PATH` or `HOST:PORT`. */
export async function openBreakingProxy(target: string): Promise<BreakingProxy> {
  const sockets = new Set<Socket>();
  const proxy = createServer((inner) => {
    const outer = target.startsWith('unix:')
      ? connect(target.slice('unix:'.length))
      : connect(Number(target.split(':').at(-1)), target.slice(0, target.lastIndexOf(':')));
    for (const socket of [inner, outer]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    inner.pipe(outer).pipe(inner);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('there is no port');
  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    address: `127.0.0.1:${address.port}`,
    breakAll,
    close() {
      breakAll();
      proxy.close();
    },
  };
}

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * A way to a server whose connections can be broken: its address, and how to.
 *
 * @param {string} target the address of the server, `unix:PATH` or `HOST:PORT`
 */
export async function openBreakingProxy(target) {
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
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

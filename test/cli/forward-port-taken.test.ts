import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { listenInReverse } from '../../src/cli/reverse-listener.ts';
import { cliUser } from '../support/cli-user.ts';
import { connectTo as clientOf } from '../support/client.ts';
import { connectTo, forwarding, readAll, startPeer } from '../support/forwarding.ts';
import { serveHere } from '../support/harness.ts';
import { startProxy } from '../support/tcp-proxy.ts';

/** Listens at a port as soon as nobody else does. */
async function takePort(port: number): Promise<Server> {
  const taken: Server[] = [];
  await expect
    .poll(async () => {
      const server = createServer((socket) => void socket.end('another'));
      server.listen({ host: '127.0.0.1', port, exclusive: true });
      return once(server, 'listening').then(
        () => taken.push(server),
        (error: NodeJS.ErrnoException) => error.code,
      );
    })
    .toBe(1);
  const [server] = taken;
  if (server === undefined) throw new Error('nobody listens');
  onTestFinished(() => void server.close());
  return server;
}

it('says that another program has taken its port, and takes it back', async () => {
  const { address } = await serveHere();
  const proxy = await startProxy(address);
  const user = await cliUser(proxy.address);
  const peer = await startPeer();
  const forward = await forwarding(user, ['--reverse', `0:127.0.0.1:${peer.port}`]);
  const at = forward.listens[0] ?? '';

  proxy.admit(false);
  proxy.cut();
  const other = await takePort(Number(at.split(':')[1]));
  proxy.admit(true);
  await expect
    .poll(forward.said)
    .toContain(`runlet: could not listen at ${at}: EADDRINUSE (TUNNEL_FAILED); trying for 300 s\n`);
  expect(forward.child.exitCode).toBe(null);

  other.close();
  await expect
    .poll(async () => {
      const socket = await connectTo(at).catch(() => undefined);
      return socket?.end('back') && (await readAll(socket)).toString();
    })
    .toBe('back');
  expect(forward.said().match(/trying for/g)).toHaveLength(1);
});

it('gives up where another program keeps its port', async () => {
  const { address } = await serveHere();
  const proxy = await startProxy(address);
  const session = await clientOf(proxy.address).session();
  const listener = await listenInReverse(
    { current: async () => session, over: session.lost },
    {
      listen: { kind: 'port', host: '127.0.0.1', port: 0 },
      target: { kind: 'host', host: '127.0.0.1', port: 1 },
    },
    { againMs: 0, signal: new AbortController().signal, tell: () => {} },
  );
  const { place } = listener;
  if (place.kind !== 'port') throw new Error('it listens at no port');

  proxy.admit(false);
  proxy.cut();
  await takePort(place.port);
  const failed = expect(listener.failed).rejects.toMatchObject({
    name: 'TunnelError',
    stage: 'LISTEN',
    errnoName: 'EADDRINUSE',
  });
  proxy.admit(true);
  await failed;
  listener.close();
});

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A connection that somebody made to an upstream. */
export interface UpstreamConnection {
  readonly socket: Socket;
  /** All that came, each character a byte. */
  readonly received: () => string;
  /** When what came has this in it. */
  readonly has: (text: string) => Promise<void>;
  /** When it ended, in any way. */
  readonly over: Promise<void>;
}

/** A server of raw TCP that records what it gets. */
export interface Upstream {
  readonly port: number;
  readonly origin: string;
  readonly connections: readonly UpstreamConnection[];
  /** When there were so many connections. */
  readonly connected: (count: number) => Promise<UpstreamConnection>;
}

/** Starts one, which answers as a test says; it ends when the test is over. */
export async function startUpstream(
  answer: (connection: UpstreamConnection, index: number) => void | Promise<void>,
): Promise<Upstream> {
  const connections: UpstreamConnection[] = [];
  const server = createServer({ allowHalfOpen: false }, (socket) => {
    const connection = recorded(socket);
    connections.push(connection);
    server.emit('recorded');
    // One that ends early ends what a test does with it.
    Promise.resolve(answer(connection, connections.length - 1)).catch(() => {});
  });
  const port = await listening(server);
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    connections,
    async connected(count) {
      for (;;) {
        const found = connections[count - 1];
        if (found !== undefined) return found;
        await once(server, 'recorded');
      }
    },
  };
}

/** Has a server listen on the loopback until the test is over. */
export async function listening(server: Server): Promise<number> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function recorded(socket: Socket): UpstreamConnection {
  let received = '';
  let closed = false;
  const waiting = new Set<() => void>();
  const look = (): void => {
    for (const each of waiting) each();
  };
  socket.on('error', () => {});
  socket.on('data', (data) => {
    received += data.toString('latin1');
    look();
  });
  const over = new Promise<void>((resolve) => {
    socket.once('close', () => {
      closed = true;
      look();
      resolve();
    });
  });
  const has = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (received.includes(text)) resolve();
        else if (closed) reject(new Error(`it ended without ${JSON.stringify(text)}`));
        else return;
        waiting.delete(check);
      };
      waiting.add(check);
      check();
    });
  return { socket, received: () => received, has, over };
}

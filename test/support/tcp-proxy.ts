import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Address } from '../../src/address.ts';

/** A way to a server on which things go wrong. */
export interface TcpProxy {
  readonly address: Address;
  /** Destroys every connection that is open, on both sides, as a reset does. */
  cut(): void;
  /** Does so once this many bytes more have come from one side; resolves when it did. */
  cutAfter(bytes: number, from?: 'client' | 'server'): Promise<void>;
  /** Forwards nothing any more, or nothing that one side sends; connections stay open. */
  freeze(from?: 'server'): void;
  /** Whether new connections are let through; if not they are ended at once. */
  admit(admitting: boolean): void;
  /** Takes the next connection, and never answers it. */
  swallowNext(): void;
  /** Whether one is still to come that is swallowed. */
  swallows(): boolean;
  /** How many connections were made to it so far. */
  accepted(): number;
}

/** Opens a proxy to a server. */
export async function startProxy(target: Address): Promise<TcpProxy> {
  const to =
    target.kind === 'unix' ? { path: target.path } : { host: target.host, port: target.port };
  const sockets = new Set<Socket>();
  const outers = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  };
  let admitting = true;
  let swallowing = false;
  let accepted = 0;
  let left = Number.POSITIVE_INFINITY;
  let counted = 'server';
  let reached = (): void => {};
  const count = (from: 'client' | 'server', bytes: number): void => {
    if (from !== counted) return;
    left -= bytes;
    if (left > 0) return;
    left = Number.POSITIVE_INFINITY;
    cut();
    reached();
  };
  // Small messages to and fro are not held back, as gRPC and proxies do not.
  const server = createServer({ noDelay: true }, (inner) => {
    accepted += 1;
    if (!admitting) {
      inner.destroy();
      return;
    }
    keep(inner);
    if (swallowing) {
      swallowing = false;
      return;
    }
    const outer = connect({ ...to, noDelay: true });
    keep(outer);
    outers.add(outer);
    outer.once('close', () => outers.delete(outer));
    inner.on('data', (data) => count('client', data.length));
    outer.on('data', (data) => count('server', data.length));
    inner.pipe(outer);
    outer.pipe(inner);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of sockets) {
      if (socket.remotePort === undefined) socket.destroy();
      else socket.resetAndDestroy();
    }
  };
  onTestFinished(() => {
    cut();
    server.close();
  });
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  return {
    address: { kind: 'tcp', host: '127.0.0.1', port },
    cut,
    accepted: () => accepted,
    swallowNext: () => {
      swallowing = true;
    },
    swallows: () => swallowing,
    admit: (value) => {
      admitting = value;
    },
    cutAfter: (bytes, from = 'server') => {
      left = bytes;
      counted = from;
      return new Promise((resolve) => {
        reached = resolve;
      });
    },
    freeze: (from) => {
      for (const socket of from === undefined ? sockets : outers) {
        socket.unpipe();
        socket.pause();
      }
    },
  };
}

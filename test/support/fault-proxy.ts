import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Address } from '../../src/address.ts';

/** What goes wrong on a connection. */
export type Fault = 'cut' | 'reset' | 'stall' | 'half-close' | 'late';

/** When something goes wrong. */
export interface FaultPlan {
  readonly fault: Fault;
  readonly direction: 'up' | 'down';
  /** After so many bytes in this direction. */
  readonly afterBytes: number;
  /** How long `late` holds the bytes back, in milliseconds. */
  readonly delayMs: number;
}

/** A way to a server on which connections go wrong. */
export interface FaultProxy {
  readonly address: Address;
  /** How often something went wrong. */
  readonly faults: () => number;
  /** Connections that are open. */
  readonly open: () => number;
}

/**
 * Opens a proxy to a server on a Unix socket. `plan` says what happens to the next
 * connection, and to one that survived, by the number of faults so far; undefined: nothing.
 */
export async function startFaultProxy(
  target: Address,
  plan: (faults: number) => FaultPlan | undefined,
): Promise<FaultProxy> {
  if (target.kind !== 'unix') throw new Error('the proxy leads to a Unix socket');
  let faults = 0;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true }, (inner) => {
    const outer = connect({ path: target.path, allowHalfOpen: true });
    keep(inner);
    keep(outer);
    const fates = { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY };
    let fate: FaultPlan | undefined;
    const arm = (): void => {
      fate = plan(faults);
      if (fate !== undefined) fates[fate.direction] = fate.afterBytes;
    };
    arm();
    const strike = (from: Socket, to: Socket, rest: Buffer): void => {
      faults += 1;
      switch (fate?.fault) {
        case 'cut':
          inner.destroy();
          outer.destroy();
          break;
        case 'reset':
          inner.resetAndDestroy();
          outer.destroy();
          break;
        case 'stall':
          for (const socket of [inner, outer]) socket.removeAllListeners('data').pause();
          break;
        case 'half-close':
          // What came before is delivered, and nothing else in this direction.
          to.end();
          from.removeAllListeners('data').resume();
          break;
        default:
          from.pause();
          setTimeout(() => {
            arm();
            to.write(rest);
            from.resume();
          }, fate?.delayMs ?? 0);
      }
    };
    const forward = (from: Socket, to: Socket, direction: FaultPlan['direction']): void => {
      from.on('data', (data: Buffer) => {
        const left = fates[direction];
        if (data.byteLength < left) {
          fates[direction] -= data.byteLength;
          if (!to.write(data)) {
            from.pause();
            to.once('drain', () => from.resume());
          }
          return;
        }
        const first = data.subarray(0, left);
        const rest = data.subarray(left);
        fates[direction] = Number.POSITIVE_INFINITY;
        to.write(first, () => strike(from, to, rest));
      });
      from.on('end', () => to.end());
      from.once('close', () => to.destroy());
    };
    forward(inner, outer, 'up');
    forward(outer, inner, 'down');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  return {
    address: { kind: 'tcp', host: '127.0.0.1', port },
    faults: () => faults,
    open: () => sockets.size,
  };
}

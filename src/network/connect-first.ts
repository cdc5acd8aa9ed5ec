import { connect, type Socket } from 'node:net';
import type { Clock, Timer } from '../clock.ts';
import { MAX_ADDRESSES_AT_ONCE, MAX_TRIED_ADDRESSES, NEXT_ADDRESS_MS } from '../limits.ts';

/** Begins a connection to an address and port. The socket is paused. */
export type ConnectTo = (address: string, port: number) => Socket;

/** How {@link connectFirst} connects. */
export interface ConnectFirstOptions {
  readonly clock: Clock;
  /** Gives all up, at once. */
  readonly signal: AbortSignal;
  /** Default: {@link connectTo}. */
  readonly connect?: ConnectTo;
}

/** A socket that is connected, and to which of the addresses. */
export interface Connected {
  readonly socket: Socket;
  readonly address: string;
}

/** Connects as the system does, to an address and never to a name. */
export const connectTo: ConnectTo = (host, port) => {
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  // Nothing is read before somebody asks for it.
  return socket.pause();
};

/** What says that there is no way for a family of addresses, which is no news of the host. */
const NO_WAY: ReadonlySet<string> = new Set(['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT']);

/**
 * Connects to the first of some addresses that answers, as RFC 8305 has it: in their order, but
 * families in turn, and the next is tried too when one has failed or said nothing for a while. So
 * one that answers nothing costs little. Of more than a few at one time the first is given up.
 *
 * @throws what failed first and says something of the host; the signal's reason
 */
export function connectFirst(
  addresses: readonly string[],
  port: number,
  { clock, connect: begin = connectTo, signal }: ConnectFirstOptions,
): Promise<Connected> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const waiting = familiesInTurn(addresses).slice(0, MAX_TRIED_ADDRESSES).reverse();
    const underWay = new Set<Socket>();
    let timer: Timer | undefined;
    let failure: Error | undefined;
    const settle = (): void => {
      timer?.cancel();
      signal.removeEventListener('abort', giveUp);
      for (const socket of underWay) socket.destroy();
      underWay.clear();
    };
    const giveUp = (): void => {
      settle();
      reject(signal.reason);
    };
    const failed = (socket: Socket, error: Error): void => {
      if (!underWay.delete(socket)) return;
      socket.destroy();
      if (failure === undefined || NO_WAY.has(codeOf(failure))) failure = error;
      if (waiting.length > 0) tryNext();
      else if (underWay.size === 0) {
        settle();
        reject(failure);
      }
    };
    const tryNext = (): void => {
      timer?.cancel();
      const address = waiting.pop();
      if (address === undefined) return;
      const [oldest] = underWay;
      if (oldest !== undefined && underWay.size >= MAX_ADDRESSES_AT_ONCE) {
        underWay.delete(oldest);
        oldest.destroy();
      }
      const socket = begin(address, port);
      underWay.add(socket);
      const onError = (error: Error): void => failed(socket, error);
      socket.on('error', onError);
      socket.once('connect', () => {
        if (isOwnEnd(socket)) {
          failed(socket, refused(address, port));
          return;
        }
        if (!underWay.delete(socket)) return;
        // One that breaks before somebody listens for it says so when it is read.
        socket.on('error', () => {});
        socket.removeListener('error', onError);
        settle();
        resolve({ socket, address });
      });
      if (waiting.length > 0) timer = clock.setTimer(NEXT_ADDRESS_MS, tryNext);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    tryNext();
  });
}

/** In the order in which they are, but after one of a family one of the other: RFC 8305, 4. */
function familiesInTurn(addresses: readonly string[]): string[] {
  const isFirst = (address: string): boolean =>
    address.includes(':') === addresses[0]?.includes(':');
  const first = addresses.filter(isFirst);
  const second = addresses.filter((address) => !isFirst(address));
  const turns = Math.max(first.length, second.length);
  return Array.from({ length: turns }, (_, i) => [first[i], second[i]])
    .flat()
    .filter((address) => address !== undefined);
}

/**
 * A port of this machine at which nobody listens may be what the system gives to this end: then
 * TCP has it connect to itself (RFC 9293, 3.5), and whatever is sent comes back.
 */
function isOwnEnd({ localAddress, localPort, remoteAddress, remotePort }: Socket): boolean {
  return remotePort === localPort && remoteAddress === localAddress && remotePort !== undefined;
}

function refused(address: string, port: number): Error {
  return Object.assign(new Error(`connect ECONNREFUSED ${address}:${port}`), {
    code: 'ECONNREFUSED',
  });
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : '';
}

import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../clock.ts';
import { RunletError } from '../../errors.ts';
import { CONNECTION_WAIT_MS, MAX_WAITING_CONNECTIONS } from '../../limits.ts';
import { type DialTarget, targetText } from '../dial-target.ts';
import { resetSocket } from './reset-socket.ts';
import type { SessionTunnels } from './session-tunnels.ts';

/** Somebody has connected. */
export interface Arrival {
  /** What the connection is taken over by. */
  readonly id: string;
  /** `host:port`. */
  readonly peer: string;
}

/** What a listener is made with. */
export interface ListenerOptions {
  readonly tunnels: SessionTunnels;
  readonly clock: Clock;
  /** Makes an unpredictable UUID. */
  readonly newId: () => string;
  /** Milliseconds that a connection waits to be taken over. Default: 10 s. */
  readonly waitMs?: number;
}

/** A socket that listens, and its connections until they are taken over. */
export class Listener {
  readonly #server: Server;
  readonly #options: ListenerOptions;
  /** Those that wait, by their ids, with what ends their waiting. */
  readonly #waiting = new Map<string, { readonly socket: Socket; readonly stop: () => void }>();
  /** Those of them that nobody was told of, in their order. */
  readonly #untold = new Map<string, Arrival>();
  #wake: () => void = () => {};
  #closed = false;

  constructor(server: Server, options: ListenerOptions) {
    this.#server = server;
    this.#options = options;
    server.on('connection', (socket) => this.#arrive(socket));
  }

  /** Where it listens. */
  get address(): DialTarget {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('it does not listen');
    return { host: address.address, port: address.port };
  }

  /** Who connects, to its end. Asked for once. */
  async *arrivals(): AsyncGenerator<Arrival> {
    while (!this.#closed) {
      const [next] = this.#untold.values();
      if (next === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      this.#untold.delete(next.id);
      yield next;
    }
  }

  /** Listens no more, and resets what waits. Connections that were taken over go on. */
  close(): void {
    this.#closed = true;
    this.#server.close();
    for (const id of [...this.#waiting.keys()]) this.#giveUp(id);
    this.#wake();
  }

  #arrive(socket: Socket): void {
    // What happens to one that waits is seen by who takes it over.
    socket.on('error', () => {});
    const { clock, newId, tunnels, waitMs = CONNECTION_WAIT_MS } = this.#options;
    const { remoteAddress, remotePort } = socket;
    const id = newId();
    // One whose other side is gone already has no address any more.
    const peer = targetText({ host: remoteAddress ?? '', port: remotePort ?? 0 });
    const taken = (): void => this.#forget(id);
    const isWanted = remoteAddress !== undefined && !this.#closed;
    const hasRoom = this.#waiting.size < MAX_WAITING_CONNECTIONS;
    if (!(isWanted && hasRoom && tunnels.offer(id, { socket, peer, taken }))) {
      resetSocket(socket);
      return;
    }
    const timer = clock.setTimer(waitMs, () => this.#giveUp(id));
    this.#waiting.set(id, { socket, stop: () => timer.cancel() });
    this.#untold.set(id, { id, peer });
    this.#wake();
  }

  /** Nobody has taken it over. */
  #giveUp(id: string): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#options.tunnels.withdraw(id);
    this.#forget(id);
    resetSocket(waiting.socket);
  }

  #forget(id: string): void {
    this.#waiting.get(id)?.stop();
    this.#waiting.delete(id);
    this.#untold.delete(id);
  }
}

/**
 * Listens.
 *
 * @param target an address of this machine, and a port; 0: any that is free
 * @throws RunletError `TUNNEL_FAILED` at `LISTEN`
 */
export function openListener(target: DialTarget, options: ListenerOptions): Promise<Listener> {
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
  const listener = new Listener(server, options);
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(target, error)));
    server.listen({ ...target, exclusive: true }, () => {
      server.removeAllListeners('error');
      // Of a connection that could not be accepted, which is closed: others are.
      server.on('error', () => {});
      resolve(listener);
    });
  });
}

function listenError(target: DialTarget, error: Error): RunletError {
  const text = targetText(target);
  const errnoName = 'code' in error ? String(error.code) : '';
  const message = `could not listen at ${text}: ${errnoName}`;
  return new RunletError('TUNNEL_FAILED', {
    message,
    tunnelFailure: { stage: 'LISTEN', errnoName, message, target: text },
  });
}

import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { RemoteError, type RemoteListener, SessionLostError } from '../client/index.ts';
import { describeFailure } from './failure.ts';
import type { ForwardSpec, ListenPlace, PortPlace, Target } from './forward-spec.ts';
import { joinStreams, reset } from './join-streams.ts';
import { isForgotten, type NetworkSession } from './network-session.ts';
import { say } from './print.ts';

/** The pause before the server is asked again to listen, in milliseconds. */
const PAUSE_MS = 250;

/** Somewhere on the server's machine where connections are accepted for this one. */
export interface ReverseListener {
  /** Where, with the real port. */
  readonly place: ListenPlace;
  /** Rejects when the server will not listen there any more. */
  readonly failed: Promise<never>;
  /** Accepts no more, and resets what is open. */
  close(): void;
}

/** What a remote listener tells, and what ends it. */
export interface ReverseListenerOptions {
  readonly signal: AbortSignal;
  /** How long a server that answers is asked to listen again, in milliseconds. */
  readonly againMs: number;
  readonly tell: (target: Target, error: unknown) => void;
}

/**
 * Has the server listen, and connects here for each connection that comes there. It listens again at
 * the same port when the connection to the server broke.
 *
 * @throws RemoteError it does not let anybody listen there, or cannot
 */
export async function listenInReverse(
  network: NetworkSession,
  { listen, target }: ForwardSpec<PortPlace>,
  { againMs, signal, tell }: ReverseListenerOptions,
): Promise<ReverseListener> {
  const sockets = new Set<Socket>();
  const accept = (tunnel: Duplex): void => {
    const socket = connectHere(target);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    void joinWhenConnected(socket, tunnel).catch((error: unknown) => tell(target, error));
  };
  const open = async (port: number): Promise<RemoteListener> => {
    const session = await network.current();
    return session.listen({ host: listen.host, port }, { signal, onConnection: accept });
  };
  const first = await open(listen.port);
  const failed = (async (): Promise<never> => {
    for (let listener = first; ; listener = await again(() => open(first.port), againMs, signal)) {
      const why = await listener.closed;
      if (why !== undefined && !mayPass(why)) throw why;
    }
  })();
  failed.catch(() => {});
  return {
    place: { kind: 'port', host: first.host, port: first.port },
    failed,
    close: () => {
      for (const socket of sockets) reset(socket);
    },
  };
}

/**
 * Asks until the server listens: it may not have noticed yet that it is to listen no more, or another
 * program has taken the port meanwhile. That is said, and bounded from the first refusal on; a server
 * that is out of reach is the concern of the session.
 */
async function again(
  open: () => Promise<RemoteListener>,
  againMs: number,
  signal: AbortSignal,
): Promise<RemoteListener> {
  let until: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await open();
    } catch (error) {
      if (!mayPass(error)) throw error;
      if (error instanceof RemoteError) {
        if (until === undefined) {
          until = performance.now() + againMs;
          if (againMs > 0) say(`${describeFailure(error)}; trying for ${againMs / 1000} s`);
        }
        if (performance.now() >= until) throw error;
      }
    }
    await setTimeout(PAUSE_MS, undefined, { signal });
  }
}

/** Whether an error says nothing of later. */
function mayPass(error: unknown): boolean {
  if (error instanceof SessionLostError) return isForgotten(error);
  return !(error instanceof RemoteError) || error.status === 'UNAVAILABLE';
}

function connectHere(target: Target): Socket {
  const options = target.kind === 'path' ? { path: target.path } : target;
  return connect({ ...options, allowHalfOpen: true, noDelay: true });
}

/** Rejects where nobody is there. */
async function joinWhenConnected(socket: Socket, tunnel: Duplex): Promise<void> {
  tunnel.on('error', () => {});
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (error) => {
      tunnel.destroy();
      reject(error);
    });
    tunnel.once('close', () => {
      socket.destroy();
      resolve();
    });
  });
  await joinStreams(socket, tunnel);
}

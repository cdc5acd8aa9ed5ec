import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { deferred } from '../client/deferred.ts';
import {
  ConnectionError,
  type RemoteSession,
  type RemoteSocket,
  type TunnelOptions,
} from '../client/index.ts';
import type { Dial } from './dial.ts';
import { describeFailure } from './failure.ts';
import {
  type ForwardSpec,
  type ListenPlace,
  type PortPlace,
  placeText,
  type Target,
} from './forward-spec.ts';
import { httpProxy } from './http-proxy.ts';
import { joinStreams, reset } from './join-streams.ts';
import { type LocalListener, listenLocally } from './local-listener.ts';
import { isForgotten, type NetworkSession } from './network-session.ts';
import { allSaid, say } from './print.ts';
import { listenInReverse, type ReverseListener } from './reverse-listener.ts';
import { socksServer } from './socks-server.ts';

/** How often a connection is tried while that to the server breaks. */
const ATTEMPTS = 5;

/** The pause between them, in milliseconds. */
const PAUSE_MS = 100;

/** What is forwarded, and through which session. */
export interface ForwardsOptions {
  readonly network: NetworkSession;
  /** In whose network hosts are looked up. Default: the server's own. */
  readonly processId?: string | undefined;
  readonly specs: readonly ForwardSpec[];
  /** How long a server that answers is asked to listen again, in milliseconds. */
  readonly againMs: number;
  /** For which it is the server that listens. */
  readonly reversed: readonly ForwardSpec<PortPlace>[];
  readonly socks?: ListenPlace | undefined;
  readonly httpProxy?: ListenPlace | undefined;
}

/** What is told of something that listens. */
export interface ForwardLine {
  /** `reverse`: on the server's machine. */
  readonly kind: 'forward' | 'reverse' | 'socks' | 'http-proxy';
  readonly listen: string;
  /** Where it leads; undefined: where each connection says. */
  readonly target?: string;
}

/** All that listens. */
export interface Forwards {
  /** Resolves when all of it does. */
  readonly opened: Promise<readonly ForwardLine[]>;
  /** Rejects when one of them does not any more, and never will. */
  readonly failed: Promise<never>;
  /** Ends all of it, and resets connections that are open. */
  close(): void;
}

/** Begins to listen at all places. */
export function openForwards(options: ForwardsOptions): Forwards {
  const listeners: (LocalListener | ReverseListener)[] = [];
  const { promise: failed, reject } = deferred<never>();
  failed.catch(() => {});
  const ended = new AbortController();
  const dial = telling(dialThrough(options));
  const here = async (server: Server, place: ListenPlace): Promise<string> => {
    const listener = await listenLocally(server, place);
    listeners.push(listener);
    return placeText(listener.place);
  };
  const there = async (spec: ForwardSpec<PortPlace>): Promise<string> => {
    const listener = await listenInReverse(options.network, spec, {
      signal: ended.signal,
      againMs: options.againMs,
      tell,
    });
    listeners.push(listener);
    listener.failed.catch(reject);
    return placeText(listener.place);
  };
  const open = async (): Promise<readonly ForwardLine[]> => {
    const lines: ForwardLine[] = [];
    for (const { listen, target } of options.specs) {
      const at = await here(forwarding(target, dial), listen);
      lines.push({ kind: 'forward', listen: at, target: placeText(target) });
    }
    for (const spec of options.reversed) {
      const at = await there(spec);
      lines.push({ kind: 'reverse', listen: at, target: placeText(spec.target) });
    }
    if (options.socks !== undefined) {
      lines.push({ kind: 'socks', listen: await here(socksServer(dial), options.socks) });
    }
    if (options.httpProxy !== undefined) {
      lines.push({ kind: 'http-proxy', listen: await here(httpProxy(dial), options.httpProxy) });
    }
    return lines;
  };
  return {
    opened: open(),
    failed,
    close: () => {
      ended.abort();
      for (const listener of listeners) listener.close();
    },
  };
}

/** A server that has each of its connections lead to one place. */
function forwarding(target: Target, dial: Dial): Server {
  return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    // It is read into its buffer meanwhile: nothing else tells of a client that is gone.
    // What breaks is seen by whoever joins.
    socket.on('error', () => {});
    void carry(socket, target, dial);
  });
}

/** Never rejects. */
async function carry(socket: Socket, target: Target, dial: Dial): Promise<void> {
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  try {
    await joinStreams(socket, await dial(target, gone.signal));
  } catch {
    reset(socket);
  }
}

/**
 * Connects through the session that there is then. Of a connection that never stood nothing was sent:
 * where the one to the server broke meanwhile it is tried again.
 */
function dialThrough({ network, processId }: ForwardsOptions): Dial {
  return async (target, signal) => {
    for (let left = ATTEMPTS; ; left -= 1) {
      signal.throwIfAborted();
      try {
        const session = await network.current();
        return await connectBy(session, target, { signal, ...(processId && { processId }) });
      } catch (error) {
        if (left <= 1 || !isOfConnection(error)) throw error;
      }
      await setTimeout(PAUSE_MS, undefined, { signal });
    }
  };
}

function connectBy(
  session: RemoteSession,
  target: Target,
  options: TunnelOptions,
): Promise<RemoteSocket> {
  if (target.kind === 'path') return session.connect({ path: target.path }, options);
  const { host, port } = target;
  return session.connect({ host, port }, options);
}

/** Whether it is the connection to the server that failed, or a session that it has forgotten. */
function isOfConnection(error: unknown): boolean {
  return error instanceof ConnectionError || isForgotten(error);
}

/** Has what cannot be connected to be told of, unless nobody waits for it any more. */
function telling(dial: Dial): Dial {
  return async (target, signal) => {
    try {
      return await dial(target, signal);
    } catch (error) {
      if (!signal.aborted) tell(target, error);
      throw error;
    }
  };
}

let isTelling = false;

/** Says why there is no connection. Of many at a time some are left out. */
function tell(target: Target, error: unknown): void {
  if (isTelling) return;
  isTelling = true;
  say(`${placeText(target)}: ${describeFailure(error)}`);
  void allSaid().then(() => {
    isTelling = false;
  });
}

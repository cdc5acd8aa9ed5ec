import { createServer, type Server, type Socket } from 'node:net';
import { deferred } from '../client/deferred.ts';
import type { Dial } from './dial.ts';
import { describeFailure } from './failure.ts';
import { type ForwardSpec, type ListenPlace, placeText, type Target } from './forward-spec.ts';
import { httpProxy } from './http-proxy.ts';
import { joinStreams, reset } from './join-streams.ts';
import { type LocalListener, listenLocally } from './local-listener.ts';
import type { NetworkSession } from './network-session.ts';
import { allSaid, say } from './print.ts';
import { listenRemotely, type RemoteListener } from './remote-listener.ts';
import { socksServer } from './socks-server.ts';

/** What is forwarded, and through which session. */
export interface ForwardsOptions {
  readonly network: NetworkSession;
  /** In whose network hosts are looked up. Default: the server's own. */
  readonly processId?: string | undefined;
  /** Whether it is the server that listens. */
  readonly reverse: boolean;
  readonly specs: readonly ForwardSpec[];
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
  const listeners: (LocalListener | RemoteListener)[] = [];
  const { promise: failed, reject } = deferred<never>();
  failed.catch(() => {});
  const ended = new AbortController();
  const dial = telling(dialThrough(options));
  const here = async (server: Server, place: ListenPlace): Promise<string> => {
    const listener = await listenLocally(server, place);
    listeners.push(listener);
    return placeText(listener.place);
  };
  const there = async (spec: ForwardSpec): Promise<string> => {
    const listener = await listenRemotely(options.network, spec, { signal: ended.signal, tell });
    listeners.push(listener);
    listener.failed.catch(reject);
    return placeText(listener.place);
  };
  const open = async (): Promise<readonly ForwardLine[]> => {
    const lines: ForwardLine[] = [];
    for (const spec of options.specs) {
      const target = placeText(spec.target);
      lines.push(
        options.reverse
          ? { kind: 'reverse', listen: await there(spec), target }
          : {
              kind: 'forward',
              listen: await here(forwarding(spec.target, dial), spec.listen),
              target,
            },
      );
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
  return createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
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

/** Connects through the session that there is then. */
function dialThrough({ network, processId }: ForwardsOptions): Dial {
  return async (target, signal) => {
    const session = await network.current();
    signal.throwIfAborted();
    if (target.kind === 'path') return session.connect({ path: target.path }, { signal });
    const { host, port } = target;
    return session.connect({ host, port }, { signal, ...(processId && { processId }) });
  };
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

import type { ListenResponse } from '../../gen/runlet/v1/tunnel_pb.ts';
import { RunletClientError } from '../client-error.ts';
import { isRefused } from '../files/file-error.ts';
import type { SessionCalls } from '../session-calls.ts';
import { takeConnection } from './connect-tunnel.ts';
import { type NetworkCall, openCall } from './network-call.ts';
import { checkListen, type ListenOptions, type ListenTarget } from './network-options.ts';
import { assertHasNetwork } from './network-support.ts';
import type { RemoteSocket } from './remote-socket.ts';

type ListenCall = NetworkCall<never, ListenResponse>;

/** Where a listener is. */
interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Listens on the server's machine, until it is closed or the connection to the server breaks. It
 * gives connections as they come, each once it was taken over: of those that nobody takes for 10 s
 * the server resets.
 */
export class RemoteListener implements AsyncIterableIterator<RemoteSocket> {
  /** The address. */
  readonly host: string;
  /** The port. */
  readonly port: number;
  /**
   * Resolves when it is over, with why; with undefined if it was closed. Never rejects. Of what
   * broke it is told once somebody waits for a connection, too.
   */
  readonly closed: Promise<Error | undefined>;
  readonly #calls: SessionCalls;
  readonly #call: ListenCall;
  readonly #over = new AbortController();
  #settle: (error: Error | undefined) => void = () => {};
  #release: (() => void) | undefined;
  #forget: () => void = () => {};

  /** @internal */
  constructor(calls: SessionCalls, call: ListenCall, { host, port }: ListenAddress) {
    this.host = host;
    this.port = port;
    this.#calls = calls;
    this.#call = call;
    this.closed = new Promise((resolve) => {
      this.#settle = resolve;
    });
    call.onBroken((error) => this.#end(error));
    this.ref();
  }

  /** Keeps the program from ending until it is over, which it does from the beginning. */
  ref(): this {
    if (!this.#over.signal.aborted) this.#release ??= this.#calls.hold();
    return this;
  }

  /** Lets the program end. */
  unref(): this {
    this.#release?.();
    this.#release = undefined;
    return this;
  }

  /**
   * The next connection, as soon as there is one. One that is gone before it is taken is left out.
   *
   * @throws SessionLostError, RunletClientError `INTERRUPTED` where the connection to the server
   *   broke
   */
  async next(): Promise<IteratorResult<RemoteSocket, undefined>> {
    for (;;) {
      const connectionId = await this.#nextId();
      if (connectionId === undefined) return { done: true, value: undefined };
      const socket = await this.#take(connectionId);
      if (socket !== undefined) return { done: false, value: socket };
    }
  }

  /** Closes it. */
  async return(): Promise<IteratorResult<RemoteSocket, undefined>> {
    this.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** Listens no longer. Connections that were taken go on. Idempotent. */
  close(): void {
    this.#end(undefined);
  }

  /** Gives each connection as it comes, to the end. @internal */
  async deliver(onConnection: (socket: RemoteSocket) => void): Promise<void> {
    try {
      for (;;) {
        const connectionId = await this.#nextId();
        if (connectionId === undefined) return;
        // The next is not to wait for this one.
        this.#take(connectionId).then(
          (socket) => socket && onConnection(socket),
          (error: Error) => this.#end(error),
        );
      }
    } catch {
      // It is told by `closed`.
    }
  }

  /** Closes it when a signal aborts. @internal */
  closeOn(signal: AbortSignal): void {
    const abort = (): void => this.close();
    signal.addEventListener('abort', abort, { once: true });
    this.#forget = () => signal.removeEventListener('abort', abort);
    if (signal.aborted) abort();
  }

  async #nextId(): Promise<string | undefined> {
    try {
      for (;;) {
        const message = await this.#call.next();
        if (message === undefined) throw unfinished();
        if (message.response.case === 'connection') return message.response.value.connectionId;
      }
    } catch (error) {
      if (error === CLOSED) return undefined;
      this.#end(error as Error);
      throw error;
    }
  }

  async #take(connectionId: string): Promise<RemoteSocket | undefined> {
    try {
      return await takeConnection(this.#calls, connectionId, this.#over.signal);
    } catch (error) {
      if (error === CLOSED || isRefused(error, 'CONNECTION_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  #end(error: Error | undefined): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort(error ?? CLOSED);
    this.#call.cancel(error ?? CLOSED);
    this.#forget();
    this.unref();
    this.#settle(error);
  }
}

/** Why a listener that was closed is over. */
const CLOSED = new Error('the listener was closed');

/**
 * Listens on the server's machine.
 *
 * @throws TunnelError at the stage `LISTEN`; RemoteError `LISTEN_DENIED`, `LIMIT_EXCEEDED`
 *
 * @internal
 */
export async function listenRemotely(
  calls: SessionCalls,
  target: ListenTarget = {},
  options: ListenOptions = {},
): Promise<RemoteListener> {
  checkListen(target, options);
  const { onConnection, signal } = options;
  const { host = '', port = 0 } = target;
  const listener = await openCall(
    calls,
    signal,
    ({ generation, ids }, _requests: AsyncIterable<never>, callOptions) =>
      generation.network.tunnels.listen({ ...ids, host, port }, callOptions),
    async (call, made) => {
      await assertHasNetwork('tunnels', made);
      return new RemoteListener(calls, call, await addressOf(call));
    },
  );
  if (signal !== undefined) listener.closeOn(signal);
  if (onConnection !== undefined) void listener.deliver(onConnection);
  return listener;
}

async function addressOf(call: ListenCall): Promise<ListenAddress> {
  for (;;) {
    const message = await call.next();
    if (message?.response.case === 'listening') return message.response.value;
    if (message === undefined || message.response.case !== undefined) throw unfinished();
  }
}

function unfinished(): RunletClientError {
  return new RunletClientError(
    'PROTOCOL',
    'the server ended a listener in another way than it can',
  );
}

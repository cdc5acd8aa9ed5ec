import { serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import {
  RemoteError,
  type RemoteProcess,
  RunletClientError,
  SessionLostError,
} from '../client/index.ts';
import type { Timer } from '../clock.ts';
import { McpTransportError } from './errors.ts';
import { MessageReader } from './message-reader.ts';
import {
  type RunletTransportOptions,
  type TransportSettings,
  transportSettings,
} from './options.ts';
import type { RunningServer } from './running-server.ts';
import { startServerProcess } from './server-process.ts';
import { shutDown } from './shutdown.ts';

type State =
  | { readonly kind: 'new' }
  | { readonly kind: 'starting'; readonly over: AbortController; readonly done: Promise<unknown> }
  | { readonly kind: 'open'; readonly server: RunningServer; readonly read: Promise<void> }
  /** Nothing can be sent any more. `done` resolves when the server process is gone. */
  | { readonly kind: 'over'; readonly error: McpTransportError; readonly done: Promise<void> };

/**
 * Runs an MCP server, which speaks over its stdin and stdout, as a process on a runlet server:
 * a transport for the `Client` of the protocol's TypeScript SDK. Messages survive
 * breaks of the connection: none is lost, and none comes twice.
 *
 * It ends with an error to `onerror` and then `onclose`: a {@link McpTransportError}, which
 * says whether the server process exited, its session was lost, or messages cannot be told
 * apart any more. What was being sent is rejected with it, and the server process is ended.
 */
export class RunletClientTransport implements Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: Transport['onmessage'];
  readonly #settings: TransportSettings;
  /** Aborts when nothing is read any more. */
  readonly #reading = new AbortController();
  readonly #sending = new Set<(error: Error) => void>();
  /** Ends it, unless the server process exits before: it reads nothing any more. */
  #deaf: Timer | undefined;
  /** Whether the server process exited: all that comes is the rest of its output. */
  #exited = false;
  #state: State = { kind: 'new' };

  /** @throws OptionError an option is unknown, or makes no sense */
  constructor(options: RunletTransportOptions) {
    this.#settings = transportSettings(options);
  }

  /** The server process; undefined: it is not started, or over. */
  get process(): RemoteProcess | undefined {
    return this.#state.kind === 'open' ? this.#state.server.process : undefined;
  }

  /**
   * Starts the server process. `connect` of the SDK's `Client` calls it. If it fails the
   * transport is over, with `onclose`.
   *
   * @throws RemoteError `START_FAILED`, `INVALID_REQUEST`, `LIMIT_EXCEEDED`
   * @throws ConnectionError, SessionLostError
   * @throws McpTransportError it was closed meanwhile
   */
  async start(): Promise<void> {
    if (this.#state.kind !== 'new') throw misused('the transport was started before');
    const over = new AbortController();
    const starting = startServerProcess(this.#settings, over.signal);
    const settled = starting.then(
      () => {},
      () => {},
    );
    this.#state = { kind: 'starting', over, done: settled };
    let server: RunningServer;
    try {
      server = await starting;
    } catch (error) {
      this.#state = { kind: 'over', error: endOf(error), done: Promise.resolve() };
      this.onclose?.();
      throw error;
    }
    this.#state = { kind: 'open', server, read: this.#read(server) };
  }

  /**
   * Sends a message. Resolves when it is in the pipe of the server process, so this is
   * as slow as that reads.
   *
   * @throws McpTransportError the transport is over; the message may or may not have come
   */
  async send(message: JSONRPCMessage): Promise<void> {
    const state = this.#state;
    if (state.kind === 'over') throw state.error;
    if (state.kind !== 'open') throw misused('the transport is not started');
    const line = serializeMessage(message);
    await new Promise<void>((resolve, reject) => {
      this.#sending.add(reject);
      const { stdin } = state.server.process;
      stdin.write(line, (error) => {
        // Rejected when it is known what the transport ends of.
        if (error) return this.#writeFailed(stdin.errored ?? error);
        this.#sending.delete(reject);
        resolve();
      });
    });
  }

  /**
   * Ends the server process as the protocol says: its stdin ends; what does not exit within
   * `graceMs` is terminated, with all that came of it. Messages that come before are
   * delivered. Resolves when it is over; bounded in time. Idempotent.
   */
  async close(): Promise<void> {
    const state = this.#state;
    switch (state.kind) {
      case 'new':
        this.#state = { kind: 'over', error: closedError(), done: Promise.resolve() };
        this.onclose?.();
        return;
      case 'starting':
        state.over.abort(closedError());
        await state.done;
        return;
      case 'open':
        await this.#close(state.server, state.read);
        return;
      case 'over':
        await state.done;
    }
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #close(server: RunningServer, read: Promise<void>): Promise<void> {
    const done = this.#shutDown(server, read).then(() => {
      this.#reading.abort();
      this.onclose?.();
    });
    this.#over(closedError(), done);
    return done;
  }

  /** Ends it for a reason that is not this program's. */
  #fail(error: McpTransportError): void {
    if (this.#state.kind !== 'open') return;
    this.#reading.abort();
    this.#over(error, this.#shutDown(this.#state.server, undefined));
    this.onerror?.(error);
    this.onclose?.();
  }

  #over(error: McpTransportError, done: Promise<void>): void {
    this.#state = { kind: 'over', error, done };
    this.#deaf?.cancel();
    for (const reject of this.#sending) reject(error);
    this.#sending.clear();
  }

  async #shutDown(server: RunningServer, read: Promise<void> | undefined): Promise<void> {
    const error = await shutDown(server, read, this.#settings);
    if (error !== undefined) this.onerror?.(error);
  }

  /** Never rejects. */
  async #read(server: RunningServer): Promise<void> {
    const { graceMs, maxLineBytes, onStderr } = this.#settings;
    const reader = new MessageReader(maxLineBytes, {
      onMessage: (message) => this.#guard(() => this.onmessage?.(message)),
      onStderr: (chunk) => this.#guard(() => onStderr?.(chunk)),
      onBadLine: (error) => this.onerror?.(error),
      onExit: () => {
        this.#exited = true;
        this.#deaf?.cancel();
        // What it left behind may hold its output open.
        void server.process.terminate({ graceMs }).catch(() => {});
      },
    });
    const { signal } = this.#reading;
    try {
      for await (const event of server.process.events({ signal })) {
        // One of the messages may have ended the transport.
        if (signal.aborted) return;
        reader.take(event);
      }
    } catch (error) {
      this.#fail(endOf(error));
    }
  }

  /** Calls back; what that throws is an error to report, and ends nothing. */
  #guard(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.onerror?.(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #writeFailed(error: Error): void {
    if (this.#state.kind !== 'open' || this.#deaf !== undefined) return;
    if (!(error instanceof RemoteError)) {
      this.#fail(endOf(error));
      return;
    }
    // Usually it has exited, of which the events tell more; and what it wrote comes first.
    if (this.#exited) return;
    const { clock, graceMs } = this.#settings;
    this.#deaf = clock.setTimer(graceMs, () =>
      this.#fail(
        new McpTransportError('stdin-closed', 'the server process closed its stdin', {
          cause: error,
        }),
      ),
    );
  }
}

function closedError(): McpTransportError {
  return new McpTransportError('closed', 'the transport was closed');
}

/** What a failure means to a transport. */
function endOf(error: unknown): McpTransportError {
  if (error instanceof McpTransportError) return error;
  if (error instanceof SessionLostError) {
    const message = `the session of the server process was lost: ${error.message}`;
    return new McpTransportError('session-lost', message, { cause: error });
  }
  const why = error instanceof Error ? error.message : String(error);
  return new McpTransportError('failed', `the server process is out of reach: ${why}`, {
    cause: error,
  });
}

function misused(message: string): RunletClientError {
  return new RunletClientError('MCP_MISUSED', message);
}

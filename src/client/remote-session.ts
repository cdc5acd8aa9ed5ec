import { randomUUID } from 'node:crypto';
import type { Agent as HttpAgent, AgentOptions as HttpAgentOptions } from 'node:http';
import type { Agent as HttpsAgent, AgentOptions as HttpsAgentOptions } from 'node:https';
import type {
  Process as ProcessMessage,
  StartProcessResponse,
} from '../gen/runlet/v1/process_pb.ts';
import type { CallTarget } from './call-attempts.ts';
import { RunletClientError } from './client-error.ts';
import { SessionLostError } from './errors.ts';
import { FileScope } from './files/file-scope.ts';
import { RemoteFiles } from './files/remote-files.ts';
import { connectTunnel } from './network/connect-tunnel.ts';
import type { SessionFetch } from './network/fetch-options.ts';
import { type ListeningPorts, listPorts } from './network/list-ports.ts';
import type {
  ConnectTarget,
  ListenOptions,
  ListenTarget,
  PortsOptions,
  TunnelOptions,
} from './network/network-options.ts';
import { listenRemotely, type RemoteListener } from './network/remote-listener.ts';
import type { RemoteSocket } from './network/remote-socket.ts';
import {
  type SessionAgentOptions,
  sessionHttpAgent,
  sessionHttpsAgent,
} from './network/session-agent.ts';
import {
  type DispatcherClass,
  type SessionConnector,
  type SessionConnectorOptions,
  sessionConnector,
  sessionDispatcher,
} from './network/session-connector.ts';
import { sessionFetch } from './network/session-fetch.ts';
import { checkProcessId, checkStartOptions } from './option-checks.ts';
import { type ProcessInfo, processInfo, type SessionInfo, sessionInfo } from './process-info.ts';
import { type ProcessSpec, specMessage } from './process-spec.ts';
import { RemoteProcess } from './remote-process.ts';
import { assertInSandbox, assertKnowsSandboxes } from './sandbox-support.ts';
import type { SessionCalls } from './session-calls.ts';
import { isGone } from './session-loss.ts';
import type { SessionParts } from './session-parts.ts';
import type { StartedProcess } from './started-process.ts';
import { terminateGivenUp, terminateOn } from './terminate-given-up.ts';
import { unlessAborted } from './waiting.ts';
import { withDefaults } from './with-defaults.ts';

/** How a process is started, beside its spec. */
export interface StartOptions {
  /** Its id in the session, at most 128 bytes. Default: one is made. */
  readonly id?: string;
  /**
   * Terminates the process when it aborts before that is closed, with what it left behind; a
   * start that is under way is given up with its reason.
   */
  readonly signal?: AbortSignal;
}

/**
 * A session on a server, which owns processes. It is kept attached, over as many
 * connections as it takes, until it is closed, detached from, or lost.
 */
export class RemoteSession {
  /** Resolves with why it was lost, once it is; never rejects. Keeps no program from ending. */
  readonly lost: Promise<Error>;
  /** Files of the server's machine. */
  readonly files: RemoteFiles;
  /**
   * The platform's `fetch`, of the server's machine: it can be given to whatever takes one. It fails
   * with a `TypeError`, whose `cause` is an `HttpError` or says why else.
   */
  readonly fetch: SessionFetch;
  readonly #parts: SessionParts;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.files = new RemoteFiles(new FileScope(parts.calls, parts.defaults.sandbox ?? false));
    this.fetch = (input, init) => sessionFetch(parts.calls, input, init);
    this.lost = new Promise((resolve) => parts.calls.link.onLost(resolve));
  }

  /** Its id, with which another client, or this program later, comes back to it. */
  get id(): string {
    return this.#parts.calls.sessionId;
  }

  /** How calls are made that name it. @internal */
  get calls(): SessionCalls {
    return this.#parts.calls;
  }

  /** Whether there is a connection now. If not, one is being made, unless it was lost. */
  get connected(): boolean {
    return this.#parts.calls.link.connected;
  }

  /**
   * Starts a process. Runs the command once, however often the connection breaks.
   *
   * @throws RemoteError `START_FAILED`, `PROCESS_EXISTS`, `INVALID_REQUEST`, `LIMIT_EXCEEDED`,
   *   `SANDBOX_UNAVAILABLE`
   * @throws SandboxError the server would leave out the sandbox
   * @throws SessionLostError
   */
  async start<const S extends ProcessSpec>(
    spec: S,
    options: StartOptions = {},
  ): Promise<StartedProcess<S>> {
    checkStartOptions(options);
    const { id: wanted, signal } = options;
    const id = wanted ?? randomUUID();
    const starting = this.#start(spec, id, signal);
    try {
      const process = await (signal === undefined ? starting : unlessAborted(starting, signal));
      terminateOn(signal, process);
      return process as StartedProcess<S>;
    } catch (error) {
      if (signal?.aborted)
        void terminateGivenUp(starting, () =>
          wanted === undefined ? this.process(id) : undefined,
        );
      throw error;
    }
  }

  /**
   * A process of the session that was started before, by whomever.
   *
   * @throws RemoteError `PROCESS_NOT_FOUND`, `PROCESS_EVICTED`
   */
  async process(id: string): Promise<RemoteProcess> {
    checkProcessId(id);
    return this.#follow(id, undefined, ({ generation, ids, options }) =>
      generation.control.processes.getProcess({ ...ids, processId: id }, options),
    );
  }

  /** Its processes, those that are retained included, in the order of their starts. */
  async processes(): Promise<readonly ProcessInfo[]> {
    const all: ProcessInfo[] = [];
    let pageToken = '';
    do {
      const token = pageToken;
      const page = await this.#parts.calls.call(
        { idempotent: true },
        ({ generation, ids, options }) =>
          generation.control.processes.listProcesses({ ...ids, pageToken: token }, options),
      );
      all.push(...page.processes.map(processInfo));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return all;
  }

  /**
   * Connects to what the server's machine reaches, or to a socket of its file system. It is tried
   * once, and resolves when the connection stands; one that breaks is not made again.
   *
   * @throws TunnelError, RemoteError, SessionLostError, ConnectionError
   */
  connect(target: ConnectTarget, options: TunnelOptions = {}): Promise<RemoteSocket> {
    return connectTunnel(this.#parts.calls, target, options);
  }

  /**
   * Listens on the server's machine, for its processes and others to connect to this program.
   *
   * @throws TunnelError at the stage `LISTEN`; RemoteError `LISTEN_DENIED`, `LIMIT_EXCEEDED`
   */
  listen(target: ListenTarget = {}, options: ListenOptions = {}): Promise<RemoteListener> {
    return listenRemotely(this.#parts.calls, target, options);
  }

  /** An agent of `node:http` that connects through the server. Destroy it in the end. */
  httpAgent(options: SessionAgentOptions<HttpAgentOptions> = {}): HttpAgent {
    return sessionHttpAgent(this.#parts.calls, options);
  }

  /** The same of `node:https`: TLS is between this program and where it leads. */
  httpsAgent(options: SessionAgentOptions<HttpsAgentOptions> = {}): HttpsAgent {
    return sessionHttpsAgent(this.#parts.calls, options);
  }

  /** What `connect` of a dispatcher of undici takes, of whatever version, to connect through the server. */
  connector(options: SessionConnectorOptions = {}): SessionConnector {
    return sessionConnector(this.#parts.calls, options);
  }

  /**
   * A dispatcher of undici, of whatever version, that connects through the server:
   * `session.dispatcher(Agent)` with the `Agent` of undici. Close it in the end.
   */
  dispatcher<D>(Agent: DispatcherClass<D>, options: SessionConnectorOptions = {}): D {
    return sessionDispatcher(this.#parts.calls, Agent, options);
  }

  /** The TCP ports at which its processes listen now, and what came of them. */
  ports(options: PortsOptions = {}): Promise<ListeningPorts> {
    return listPorts(this.#parts.calls, options);
  }

  /** The session as it is now. */
  async info(): Promise<SessionInfo> {
    const { session } = await this.#parts.calls.call(
      { idempotent: true },
      ({ generation, ids, options }) =>
        generation.control.sessions.getSession({ sessionId: ids.sessionId }, options),
    );
    if (session === undefined)
      throw new RunletClientError('PROTOCOL', 'the server said nothing of the session');
    return sessionInfo(session);
  }

  /**
   * Ends the session and every process in it, and resolves when they have ended. Idempotent.
   *
   * @throws SessionLostError if it was lost before and may still be there
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Leaves the session: it and its processes go on for its `detachedTtlMs`. Idempotent. */
  detach(): void {
    const { calls } = this.#parts;
    calls.link.end(new SessionLostError('left', calls.sessionId));
  }

  /** Closes it, unless it was left before. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { lost } = this.#parts.calls.link;
    if (lost instanceof SessionLostError && lost.reason === 'left') return;
    await this.close();
  }

  async #close(): Promise<void> {
    const { calls } = this.#parts;
    try {
      await calls.call({ idempotent: true }, ({ generation, ids, options }) => {
        // The server ends the attached stream, and that must not look like somebody else's doing.
        calls.link.leaving();
        return generation.control.sessions.closeSession({ sessionId: ids.sessionId }, options);
      });
    } catch (error) {
      if (!isGone(error)) throw error;
    } finally {
      this.detach();
    }
  }

  #start(spec: ProcessSpec, id: string, signal: AbortSignal | undefined): Promise<RemoteProcess> {
    const { defaults, retentionMs } = this.#parts;
    const requestId = randomUUID();
    const message = specMessage(withDefaults(spec, defaults), retentionMs);
    const request = { processId: id, requestId, spec: message };
    const make = async (target: CallTarget): Promise<StartProcessResponse> => {
      const { generation, ids, options } = target;
      const { signal } = generation;
      if (message.sandbox !== undefined) await assertKnowsSandboxes(target);
      // Once it is sent the signal does not cancel it: the server would start it all the same,
      // and it could not be terminated before that was done.
      const sent = { ...options, signal };
      const answer = await generation.control.processes.startProcess({ ...ids, ...request }, sent);
      if (message.sandbox !== undefined) {
        await assertInSandbox({ ...target, options: sent }, answer.process);
      }
      return answer;
    };
    return this.#follow(id, 0n, make, signal);
  }

  /** A process that the server tells of when it is asked, and whose life is followed from then on. */
  async #follow(
    id: string,
    stdinOffset: bigint | undefined,
    ask: (target: CallTarget) => Promise<{ readonly process?: ProcessMessage | undefined }>,
    signal?: AbortSignal,
  ): Promise<RemoteProcess> {
    const { calls, clock, keepAlive, lives } = this.#parts;
    // What is told of it later may come before the answer.
    const life = lives.expect(id);
    try {
      const { process } = await calls.call({ idempotent: true, signal }, ask);
      if (process === undefined)
        throw new RunletClientError('PROTOCOL', 'the server said nothing of the process');
      life.started = true;
      life.update(process);
      const info = processInfo(process);
      const wantEnd = (): void => lives.ask(id, life);
      const own = { calls: calls.keptInTrace(), clock, keepAlive, info, life };
      return new RemoteProcess({ ...own, ask: wantEnd, stdinOffset });
    } catch (error) {
      lives.forget(id, life);
      throw error;
    }
  }
}

import { randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Address } from '../address.ts';
import { WaitUntil } from '../gen/runlet/v1/process_pb.ts';
import { AttachMode, type CreateSessionRequestSchema } from '../gen/runlet/v1/session_pb.ts';
import { RunletClientError } from './client-error.ts';
import { type CommandTemplate, commandTemplate } from './command-template.ts';
import { openServices } from './connection.ts';
import { joinSignals } from './joined-signal.ts';
import { Link } from './link.ts';
import { duration } from './numbers.ts';
import { oneOffCall } from './one-off-calls.ts';
import { checkSessionOptions, checkWatchStatsOptions } from './option-checks.ts';
import type { ClientSettings } from './options.ts';
import { type SessionInfo, sessionInfo } from './process-info.ts';
import { ProcessLives } from './process-lives.ts';
import type { SystemText } from './process-spec.ts';
import { RemoteSession } from './remote-session.ts';
import type { OutputOf, RunningCommand, RunOptions } from './run-options.ts';
import { runningCommand } from './running-command.ts';
import { type ServerInfo, serverInfo } from './server-info.ts';
import { SessionCalls } from './session-calls.ts';
import { silenceMsOf } from './silence.ts';
import type { Stats, WatchStatsOptions } from './stats/stats.ts';
import { within } from './waiting.ts';

/** Which session to use, and how. */
export interface SessionOptions {
  /** The id of a session to come back to. Default: a new one is created. */
  readonly id?: string;
  /**
   * How long a new session lives after this client has gone, in milliseconds, as near to it
   * as the server allows. Default: the server's.
   */
  readonly detachedTtlMs?: number;
  /** Labels of a new session. They are listed: no secrets. */
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * What to do where another client is attached to the session: `take-over` ends its use
   * of it, `reject` fails with `SESSION_ALREADY_ATTACHED`, and `share` does not attach at
   * all: nobody is fenced, and the session lives only while calls name it. Default: `take-over`.
   */
  readonly ifAttached?: 'take-over' | 'reject' | 'share';
}

/** How long a session of {@link RunletClient.run} outlives this client, in milliseconds. */
const RUN_TTL_MS = 30_000;

/** How long `close` waits for the end of what `run` has started, in milliseconds. */
const CLOSE_TIMEOUT_MS = 10_000;

/** A client of one server. */
export class RunletClient {
  readonly #address: Address;
  readonly #settings: ClientSettings;
  readonly #sessions = new Set<RemoteSession>();
  /** What `run` starts processes in. */
  #runSession: Promise<RemoteSession> | undefined;
  /** Aborts when it is closed, with what is thrown then. */
  readonly #closing = new AbortController();

  /** @internal */
  constructor(address: Address, settings: ClientSettings) {
    this.#address = address;
    this.#settings = settings;
  }

  /** What the server is and allows. */
  async info(): Promise<ServerInfo> {
    return serverInfo(
      await oneOffCall(this.#address, this.#settings, {}, ({ server }, options) =>
        server.getServerInfo({}, options),
      ),
    );
  }

  /** The sessions that the server has for this caller, oldest first. */
  async sessions(): Promise<readonly SessionInfo[]> {
    const all: SessionInfo[] = [];
    let pageToken = '';
    do {
      const token = pageToken;
      const page = await oneOffCall(this.#address, this.#settings, {}, ({ sessions }, options) =>
        sessions.listSessions({ pageToken: token }, options),
      );
      all.push(...page.sessions.map(sessionInfo));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return all;
  }

  /**
   * What the sessions and processes of this caller are and use, again and again, until the loop
   * over it is left. Where the connection breaks it goes on over another one within `windowMs` of
   * this client, 5 minutes if nothing is said.
   *
   * @throws RemoteError `GRANT_MISSING`, `LIMIT_EXCEEDED`, `INVALID_REQUEST`
   * @throws ConnectionError, the reason of the signal
   */
  watchStats(options: WatchStatsOptions = {}): AsyncGenerator<Stats> {
    checkWatchStatsOptions(options);
    this.#assertOpen();
    return this.#watchStats(options);
  }

  async *#watchStats(options: WatchStatsOptions): AsyncGenerator<Stats> {
    const { watchStats } = await import('./stats/watch-stats.ts');
    const joined = joinSignals(this.#closing.signal, options.signal);
    try {
      yield* watchStats(this.#address, this.#settings, { ...options, signal: joined.signal });
    } finally {
      joined.release();
    }
  }

  /**
   * Creates a session, or comes back to one, and keeps it within reach.
   *
   * @throws SessionLostError `expired` if there is no session with the id
   * @throws RemoteError, ConnectionError
   */
  async session(options: SessionOptions = {}): Promise<RemoteSession> {
    this.#assertOpen();
    checkSessionOptions(options);
    const sessionId = options.id ?? randomUUID();
    const info = await this.#prepare(sessionId, options);
    const ifAttached = options.ifAttached ?? 'take-over';
    const attach = ifAttached !== 'share';
    const silenceMs = silenceMsOf(info.limits);
    const lives = new ProcessLives(
      {
        get: async (processId) => (await ask(processId)).process,
        wait: async (processId, until) => (await wait(processId, WAITS[until])).process,
      },
      attach,
    );
    const link = new Link({
      sessionId,
      settings: this.#settings,
      open: (stuck) => openServices(this.#address, this.#settings, stuck),
      attach,
      firstMode: ifAttached === 'reject' ? AttachMode.REJECT_IF_ATTACHED : AttachMode.TAKE_OVER,
      silenceMs,
      listener: lives,
    });
    const calls = new SessionCalls(sessionId, link, silenceMs, this.#settings);
    const ask = (processId: string) =>
      calls.call({ idempotent: true }, ({ generation, ids, options: callOptions }) =>
        generation.control.processes.getProcess({ ...ids, processId }, callOptions),
      );
    const wait = (processId: string, until: WaitUntil) =>
      calls.call({ idempotent: true }, ({ generation, ids, options: callOptions }) =>
        generation.control.processes.waitProcess({ ...ids, processId, until }, callOptions),
      );
    await this.#settings.keepAlive.during(link.ready());
    const { defaultRetentionMs, maxRetentionMs } = info.limits;
    const session = new RemoteSession({
      calls,
      lives,
      clock: this.#settings.clock,
      keepAlive: this.#settings.keepAlive,
      defaults: this.#settings.defaults,
      retentionMs: Math.min(Math.max(defaultRetentionMs, link.windowMs), maxRetentionMs),
    });
    if (this.#closing.signal.aborted) {
      session.detach();
      this.#assertOpen();
    }
    this.#sessions.add(session);
    link.onLost(() => this.#sessions.delete(session));
    return session;
  }

  /**
   * Runs a command to its end and gives what it wrote. It survives breaks of the
   * connection; where this program ends, the command is terminated soon after.
   *
   * What it gives is a promise of the result, and has `text()`, `json()` and `lines()`, too.
   *
   * @param command the program and its arguments; one string with the option `shell` alone
   * @throws OptionError an option makes no sense
   * @throws RemoteError it could not be started
   * @throws CommandError with `check`: it did not end with the exit code 0
   * @throws RunOutputError it wrote more than `maxOutputBytes`; it was terminated
   * @throws OutputLostError some of it was lost, unless `overflow` lets it
   * @throws the reason of `signal`; it was terminated
   */
  run<const O extends RunOptions = Record<never, never>>(
    command: readonly SystemText[] | string,
    options: O & RunOptions = {} as O & RunOptions,
  ): RunningCommand<OutputOf<O>> {
    const running = runningCommand(() => this.#sessionForRuns(), command, options);
    return running as RunningCommand<OutputOf<O>>;
  }

  /**
   * Runs a command that is written as a template: `` client.$`git log -n ${count}` ``. White
   * space in its text separates words, and quotes hold them together. What is inserted is a word
   * as it is, or a part of one, and a list is several: none of it is read by a shell. As
   * {@link run} with `check: true` and `encoding: 'utf8'`. Called with options it gives a template
   * with those, and with `shell` among them the text is a shell's, in which what is inserted is
   * quoted.
   */
  readonly $: CommandTemplate = commandTemplate((command, options) => this.run(command, options));

  /**
   * Leaves every session. They and their processes go on for their `detachedTtlMs`, but for
   * what `run` has started, which ends.
   */
  async close(): Promise<void> {
    this.#closing.abort(new RunletClientError('CLIENT_CLOSED', 'the client was closed'));
    const runs = await this.#runSession?.catch(() => undefined);
    if (runs !== undefined) {
      const { clock } = this.#settings;
      // One that was lost has nothing to close, and one that is out of reach expires.
      await within(runs.close(), CLOSE_TIMEOUT_MS, clock, 'no answer came').catch(() => {});
    }
    for (const session of this.#sessions) session.detach();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Creates the session unless it is one to come back to, and tells what its server allows.
   * Both carry its id: a proxy may choose the server by that.
   */
  async #prepare(sessionId: string, options: SessionOptions): Promise<ServerInfo> {
    const header = { 'runlet-session-id': sessionId };
    return oneOffCall(
      this.#address,
      this.#settings,
      header,
      async ({ server, sessions }, callOptions) => {
        const info = serverInfo(await server.getServerInfo({}, callOptions));
        if (options.id === undefined) {
          await sessions.createSession(createRequest(sessionId, options, info), callOptions);
        }
        return info;
      },
    );
  }

  #sessionForRuns(): Promise<RemoteSession> {
    this.#runSession ??= this.#openRunSession();
    return this.#runSession;
  }

  async #openRunSession(): Promise<RemoteSession> {
    const forget = (): void => {
      this.#runSession = undefined;
    };
    try {
      const session = await this.session({ detachedTtlMs: RUN_TTL_MS });
      // The next run begins with another.
      void session.lost.then(forget);
      return session;
    } catch (error) {
      forget();
      throw error;
    }
  }

  #assertOpen(): void {
    this.#closing.signal.throwIfAborted();
  }
}

function createRequest(
  sessionId: string,
  { detachedTtlMs, labels }: SessionOptions,
  { limits }: ServerInfo,
): MessageInitShape<typeof CreateSessionRequestSchema> {
  const request = { sessionId, labels: { ...labels } };
  if (detachedTtlMs === undefined) return request;
  const { maxDetachedTtlMs, minDetachedTtlMs } = limits;
  // For ever, which is as long as the server allows, is no mistake.
  const ttlMs = Math.min(detachedTtlMs, maxDetachedTtlMs);
  const asked = duration('detachedTtlMs', ttlMs);
  const least = duration('detachedTtlMs', minDetachedTtlMs);
  return { ...request, detachedTtl: ttlMs < minDetachedTtlMs ? least : asked };
}

const WAITS = { exited: WaitUntil.EXITED, closed: WaitUntil.CLOSED } as const;

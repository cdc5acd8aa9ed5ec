import { randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { Client } from '@grpc/grpc-js';
import type { RequestMetadata } from '../client/options.ts';
import type { ProcessEvent } from '../gen/runlet/v1/event_pb.ts';
import type {
  Process,
  ProcessSpecSchema,
  WriteStdinRequestSchema,
} from '../gen/runlet/v1/process_pb.ts';
import type { GetServerInfoResponse } from '../gen/runlet/v1/server_pb.ts';
import type {
  AttachSessionRequestSchema,
  CreateSessionRequestSchema,
} from '../gen/runlet/v1/session_pb.ts';
import { ensure } from './assert.ts';
import { type Attachment, begin } from './attachment.ts';
import { CheckFolder } from './check-folder.ts';
import { type Clients, createClients, handled } from './clients.ts';
import { EventReader, exitedOf, statusOf, textOf } from './event-reader.ts';

/** What a process is started with; all that is missing is the contract's default. */
export type SpecInit = MessageInitShape<typeof ProcessSpecSchema> & { $typeName?: never };

/** The fields of a `WriteStdinRequest` that do not name the process. */
export type WriteInit = Pick<
  MessageInitShape<typeof WriteStdinRequestSchema>,
  'offset' | 'data' | 'eof'
>;

/** What names a process. */
export interface Target {
  readonly sessionId: string;
  readonly processId: string;
}

/** Where programs are looked for. */
export const PATH = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';

/** No time at all. */
export const ZERO = durationFromMs(0);

/** How long the checks' sessions live after a kit that was killed. */
const DETACHED_TTL_MS = 60_000;

/** Longer than any check: the server shortens it to its `max_read_wait`. */
export const LONG_WAIT = durationFromMs(60_000);

/** Makes a folder in the first argument, tells it, and has a script make what is in it. */
const MAKE_FOLDER =
  'set -e; umask 022; f=$(mktemp -d "$0/runlet-conformance-XXXXXX"); cd "$f"; pwd -P; eval "$1" >&2; echo made';

/** Whatever modes its folders have. */
const REMOVE_FOLDER = 'chmod -R u+rwx "$0"; rm -rf "$0"';

/** What a context is made with. */
export interface ContextOptions {
  /** The connection that all checks share. */
  readonly connection: Client;
  /** Opens another one, which the check closes. */
  readonly connect: () => Client;
  /** Aborts when the time of the check is over. */
  readonly signal: AbortSignal;
  /** Sent with every call: who makes them. */
  readonly metadata: RequestMetadata;
  /** What the server says of itself. */
  readonly info: GetServerInfoResponse | undefined;
}

/** What a check is done with: clients, a session of its own, and what checks have in common. */
export class CheckContext {
  readonly sessions: Clients['sessions'];
  readonly processes: Clients['processes'];
  readonly files: Clients['files'];
  readonly http: Clients['http'];
  readonly tunnels: Clients['tunnels'];
  readonly server: Clients['server'];
  readonly connection: Client;
  readonly signal: AbortSignal;
  /** The session that was made for the check. */
  readonly sessionId: string = randomUUID();
  readonly #options: ContextOptions;
  readonly #created: string[] = [];
  readonly #connections: Client[] = [];
  readonly #folders: string[] = [];

  constructor(options: ContextOptions) {
    this.#options = options;
    this.connection = options.connection;
    this.signal = options.signal;
    const { files, http, processes, server, sessions, tunnels } = createClients(
      options.connection,
      options.signal,
      options.metadata,
    );
    this.sessions = sessions;
    this.processes = processes;
    this.files = files;
    this.http = http;
    this.tunnels = tunnels;
    this.server = server;
  }

  /** What the server says of itself. */
  get info(): GetServerInfoResponse {
    ensure(this.#options.info !== undefined, 'GetServerInfo does not answer');
    return this.#options.info;
  }

  /** Creates a session, which ends with the check, and returns its id. */
  async createSession(
    init: MessageInitShape<typeof CreateSessionRequestSchema> & { $typeName?: never } = {},
  ): Promise<string> {
    const sessionId = init.sessionId ?? randomUUID();
    this.#created.push(sessionId);
    const detachedTtl = init.detachedTtl ?? this.#detachedTtl();
    await this.sessions.createSession({ ...init, sessionId, detachedTtl });
    return sessionId;
  }

  /** Clients over a connection of their own, which is closed with the check. */
  otherClients(): Clients {
    const connection = this.#options.connect();
    this.#connections.push(connection);
    return createClients(connection, this.signal, this.#options.metadata);
  }

  /** Starts a process; its id is made up unless it is given. */
  async start(argv: string[], spec: SpecInit = {}, target: Partial<Target> = {}): Promise<Target> {
    const { sessionId = this.sessionId, processId = `p-${randomUUID()}` } = target;
    await this.processes.startProcess({ sessionId, processId, spec: specOf(argv, spec) });
    return { sessionId, processId };
  }

  /** Starts a script of the POSIX shell. */
  startShell(script: string, spec: SpecInit = {}, target: Partial<Target> = {}): Promise<Target> {
    return this.start(['/bin/sh', '-c', script], spec, target);
  }

  /** Follows the events of a process. */
  watch(target: Target, afterSeq = 0n): EventReader {
    return new EventReader(this.processes.watchProcess({ ...target, afterSeq }));
  }

  /** All events of a process, to its `closed`. */
  eventsOf(target: Target, afterSeq = 0n): Promise<ProcessEvent[]> {
    return this.watch(target, afterSeq).rest();
  }

  /** Runs a script in the session to its end, and returns all of its events. */
  async runShell(script: string, spec: SpecInit = {}): Promise<ProcessEvent[]> {
    return this.eventsOf(await this.startShell(script, spec));
  }

  /** Runs a program to its end, and returns its standard output. */
  async outputOf(argv: string[], spec: SpecInit = {}): Promise<string> {
    return textOf(await this.eventsOf(await this.start(argv, spec)));
  }

  /**
   * Makes a folder on the server's machine, which is removed with the check, and runs a script of
   * the shell in it.
   */
  async makeFolder(setup = ''): Promise<CheckFolder> {
    const [base = '/tmp'] = this.info.capabilities?.files?.roots ?? [];
    const made = await this.outputOf(['/bin/sh', '-c', MAKE_FOLDER, base, setup]);
    const [path = '', end] = made.split('\n');
    if (path !== '') this.#folders.push(path);
    ensure(path.startsWith('/') && end === 'made', 'the files of the check could not be made');
    return new CheckFolder(path, (script) => this.#runIn(path, script));
  }

  /** Writes a text to the standard input of a process, and returns `accepted_offset`. */
  write(target: Target, text: string, init: WriteInit = {}): Promise<bigint> {
    const data = Buffer.from(text);
    const written = this.processes.writeStdin({ ...target, data, ...init });
    return handled(written.then(({ acceptedOffset }) => acceptedOffset));
  }

  /** What `GetProcess` says. */
  async get(target: Target): Promise<Process> {
    const { process } = await this.processes.getProcess(target);
    ensure(process !== undefined, 'GetProcess answered without a process');
    return process;
  }

  /** Attaches to a session. */
  attach(
    init: MessageInitShape<typeof AttachSessionRequestSchema> & { $typeName?: never } = {},
    { sessions }: Pick<Clients, 'sessions'> = this,
  ): Promise<Attachment> {
    return begin(sessions.attachSession({ sessionId: this.sessionId, ...init }));
  }

  /**
   * Lets time pass on the server: a long poll of a silent process in the check's own session,
   * so that how busy this machine is does not matter.
   */
  async letPass(ms: number): Promise<void> {
    const target = await this.startShell('exec sleep 1000');
    const wait = durationFromMs(ms);
    await this.processes.readProcess({ ...target, afterSeq: 1n, wait });
  }

  /** Resolves when the server has noticed that the check's own session is not attached any more. */
  async untilDetached(): Promise<void> {
    const { sessionId } = this;
    for (;;) {
      const { session } = await this.sessions.getSession({ sessionId });
      if (session?.attached !== true) return;
    }
  }

  /** Closes the sessions and connections of the check. Never rejects. */
  async close(): Promise<void> {
    const { connection, metadata } = this.#options;
    const { processes, sessions } = createClients(connection, undefined, metadata);
    const deadline = new Date(Date.now() + 60_000);
    await Promise.allSettled(
      this.#folders.map(async (folder) => {
        const spec = specOf(['/bin/sh', '-c', REMOVE_FOLDER, folder]);
        for await (const _ of processes.run({ spec }, { deadline }));
      }),
    );
    await Promise.allSettled(
      this.#created.map((sessionId) => sessions.closeSession({ sessionId }, { deadline })),
    );
    for (const connection of this.#connections) connection.close();
  }

  async #runIn(cwd: string, script: string): Promise<string> {
    const events = await this.runShell(`umask 022; ${script}`, { cwd });
    const status = statusOf(exitedOf(events));
    ensure(status === 'code 0', `the script \`${script}\` ended with ${status}`);
    return textOf(events);
  }

  #detachedTtl(): ReturnType<typeof durationFromMs> {
    const maximum = this.#options.info?.limits?.maxDetachedTtl;
    const ttl = durationFromMs(DETACHED_TTL_MS);
    return maximum !== undefined && maximum.seconds < ttl.seconds ? maximum : ttl;
  }
}

/** A spec with a PATH, unless it says something of the environment itself. */
export function specOf(argv: string[], spec: SpecInit = {}): SpecInit {
  return { env: { PATH }, ...spec, argv };
}

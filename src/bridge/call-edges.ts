import type {
  Http2Session,
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
  ServerHttp2Stream,
} from 'node:http2';
import type { Metadata } from '@grpc/grpc-js';
import { CallHold, type CallMemory, type ConnectionMemory } from './call-memory.ts';
import { RequestMeter } from './request-meter.ts';

/** What is known of a call before grpc-js has seen it. */
export interface CallEdge {
  /**
   * When the call fails by itself, in milliseconds since 1970, where that is too far away for
   * grpc-js: it counts in 32 bits. Undefined: it sees to that.
   */
  readonly farDeadline: number | undefined;
  /** What is the same for all calls of a connection. */
  readonly peer: unknown;
  /** The memory that its answers hold until they are sent. */
  readonly answers: CallHold;
  /** Counts what it receives. */
  readonly requests: RequestMeter;
  /** The error of a call for which there is no memory. */
  readonly memoryError: () => Error;
  /** Fails it, when there is no memory for it. Set once there is somebody who can do that. */
  refuse: () => void;
}

/** What the calls of a server share. */
export interface CallEdgesOptions {
  /**
   * The memory of what they receive, and that of what they answer. Each by itself, so that
   * none waits for the other: a call that was received may have to be answered to go.
   */
  readonly memory: { readonly received: CallMemory; readonly answered: CallMemory };
  /** Bytes of a request message that grpc-js takes. */
  readonly maxMessageBytes: number;
  /** The error of a call for which there is no memory, and an error as HTTP/2 carries it. */
  readonly memoryError: () => Error;
  readonly statusHeaders: (error: Error) => OutgoingHttpHeaders;
  /** What is known of the connection that a socket is of. Default: nothing. */
  readonly connectionOf?: (socket: object) => unknown;
}

/** What the calls of a connection hold. */
type Connection = Record<'received' | 'answered', ConnectionMemory> & { readonly known: unknown };

/** The header by which a call is found again; none that comes from outside is heeded. */
const EDGE_HEADER = 'runlet-call-edge';

/** The header with a call's time, and what the units of it are in milliseconds. */
const TIMEOUT_HEADER = 'grpc-timeout';
const TIMEOUT = /^(\d{1,8})([HMSmun])$/;
const UNITS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** The longest time that a timer can wait, in milliseconds, not quite 25 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The calls of a server, from the moment that their streams open until these are closed. */
export class CallEdges {
  readonly #options: CallEdgesOptions;
  readonly #edges = new Map<string, CallEdge>();
  readonly #connections = new WeakMap<Http2Session, Connection>();
  #ordinal = 0;

  constructor(options: CallEdgesOptions) {
    this.#options = options;
  }

  /** Takes a stream, to be called before grpc-js sees it. */
  readonly take = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
    this.#ordinal += 1;
    const id = String(this.#ordinal);
    headers[EDGE_HEADER] = id;
    const { maxMessageBytes, memoryError, statusHeaders } = this.#options;
    const connection = this.#connectionOf(stream.session);
    const received = new CallHold(connection.received);
    const answers = new CallHold(connection.answered);
    const edge: CallEdge = {
      farDeadline: takeFarDeadline(headers),
      peer: connection.known,
      answers,
      memoryError,
      requests: new RequestMeter(received, maxMessageBytes, () => edge.refuse()),
      refuse: () => {
        // It was cut, or grpc-js has answered it by itself.
        if (stream.destroyed || stream.headersSent) return;
        stream.respond(statusHeaders(memoryError()), { endStream: true });
        stream.close();
      },
    };
    edge.requests.attach(stream);
    this.#edges.set(id, edge);
    stream.once('close', () => {
      this.#edges.delete(id);
      received.end();
      answers.end();
    });
  };

  /** What is known of the call that has this metadata, which is taken out of it. */
  of(metadata: Metadata): CallEdge | undefined {
    const [id] = metadata.get(EDGE_HEADER);
    if (id === undefined) return undefined;
    metadata.remove(EDGE_HEADER);
    return this.#edges.get(String(id));
  }

  #connectionOf(session: Http2Session | undefined): Connection {
    const known = session === undefined ? undefined : this.#connections.get(session);
    if (known !== undefined) return known;
    const { answered, received } = this.#options.memory;
    const memory = { received: received.connect(), answered: answered.connect() };
    const told = session && this.#options.connectionOf?.(session.socket);
    const connection = { ...memory, known: told ?? memory };
    if (session !== undefined) this.#connections.set(session, connection);
    return connection;
  }
}

/** Takes the time from the headers of a call if it is too long for grpc-js. */
function takeFarDeadline(headers: IncomingHttpHeaders): number | undefined {
  const match = TIMEOUT.exec(String(headers[TIMEOUT_HEADER] ?? ''));
  const timeoutMs = Number(match?.[1]) * (UNITS[match?.[2] ?? ''] ?? Number.NaN);
  if (!(timeoutMs > MAX_TIMER_MS)) return undefined;
  delete headers[TIMEOUT_HEADER];
  return Date.now() + timeoutMs;
}

/** Calls back at a time, however far away that is. Returns how to take that back. */
export function callAt(time: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    const leftMs = time - Date.now();
    timer = setTimeout(leftMs > MAX_TIMER_MS ? wait : callback, Math.min(leftMs, MAX_TIMER_MS));
    timer.unref();
  };
  wait();
  return () => clearTimeout(timer);
}

import type {
  Http2Session,
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
  ServerHttp2Stream,
} from 'node:http2';
import { setImmediate } from 'node:timers';
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
  /** What was found out of it when its headers were there. */
  readonly arrival?: unknown;
  /** The memory that its answers hold until they are sent. */
  readonly answers: CallHold;
  /** Counts what it receives. */
  readonly requests: RequestMeter;
  /** The error of a call for which there is no memory. */
  readonly memoryError: () => Error;
  /** Fails it, when there is no memory for it. Set once there is somebody who can do that. */
  refuse: () => void;
}

/** A call whose headers are there, and nothing of its body is read. */
export interface ArrivingCall {
  /** The path of its method. */
  readonly path: string | undefined;
  /** Its header `authorization`. */
  readonly authorization: string | undefined;
  /** False: it has a time that is none, of which grpc-js would say that it were a fault of the server. */
  readonly hasValidTime: boolean;
  /** What is the same for all calls of its connection. */
  readonly peer: unknown;
  /** Calls back when its stream is closed. */
  onClose(callback: () => void): void;
  /** Asks its client to make no more calls on this connection, which closes when there are none. */
  leave(): void;
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
  readonly statusHeaders: (error: unknown) => OutgoingHttpHeaders;
  /** What is known of the connection that a socket is of. Default: nothing. */
  readonly connectionOf?: (socket: object) => unknown;
  /**
   * Looks at a call before its body is read, and finds out something that goes with it, at once
   * or later; its body waits meanwhile, with the client but for the little that HTTP/2 lets that send
   * unasked. If it throws, that is answered and nothing more of the call is taken. Default:
   * nothing is looked at.
   */
  readonly arrive?: (call: ArrivingCall) => unknown;
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

  /**
   * Takes a stream, to be called before grpc-js sees it. False, or a promise of that: it was
   * answered, and grpc-js is not to see it.
   */
  readonly take = (
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
  ): boolean | Promise<boolean> => {
    const connection = this.#connectionOf(stream.session);
    const begin = (arrival: unknown): boolean => {
      if (!stream.destroyed) this.#begin(stream, headers, connection, arrival);
      return !stream.destroyed;
    };
    const refuse = (error: unknown): boolean => {
      // It may have been cut meanwhile.
      if (!stream.destroyed && !stream.headersSent) this.#answer(stream, error);
      return false;
    };
    try {
      const found = this.#options.arrive?.(arriving(stream, headers, connection.known));
      return found instanceof Promise ? found.then(begin, refuse) : begin(found);
    } catch (error) {
      return refuse(error);
    }
  };

  #answer(stream: ServerHttp2Stream, error: unknown): void {
    stream.respond(this.#options.statusHeaders(error), { endStream: true });
    // The client is to send no more: RFC 9113, section 8.1. Before the answer has gone out, Node.js 22
    // and later send the reset in its place.
    setImmediate(() => {
      if (!stream.destroyed) stream.close();
    });
  }

  #begin(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    connection: Connection,
    arrival: unknown,
  ): void {
    this.#ordinal += 1;
    const id = String(this.#ordinal);
    headers[EDGE_HEADER] = id;
    const { maxMessageBytes, memoryError } = this.#options;
    const received = new CallHold(connection.received);
    const answers = new CallHold(connection.answered);
    const edge: CallEdge = {
      farDeadline: takeFarDeadline(headers),
      peer: connection.known,
      arrival,
      answers,
      memoryError,
      requests: new RequestMeter(received, maxMessageBytes, () => edge.refuse()),
      refuse: () => {
        // It was cut, or grpc-js has answered it by itself.
        if (stream.destroyed || stream.headersSent) return;
        this.#answer(stream, memoryError());
      },
    };
    edge.requests.attach(stream);
    this.#edges.set(id, edge);
    stream.once('close', () => {
      this.#edges.delete(id);
      received.end();
      answers.end();
    });
  }

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

function arriving(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  peer: unknown,
): ArrivingCall {
  return {
    path: headers[':path'],
    authorization: headers.authorization,
    hasValidTime: TIMEOUT.test(String(headers[TIMEOUT_HEADER] ?? '0n')),
    peer,
    onClose: (callback) => void stream.once('close', callback),
    leave: () => stream.session?.close(),
  };
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

import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Metadata } from '@grpc/grpc-js';

/** What is known of a call before grpc-js has seen it. */
export interface CallEdge {
  /**
   * When the call fails by itself, in milliseconds since 1970, where that is too far away for
   * grpc-js: it counts in 32 bits. Undefined: it sees to that.
   */
  readonly farDeadline: number | undefined;
}

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
  readonly #edges = new Map<string, CallEdge>();
  #ordinal = 0;

  /** Takes a stream, to be called before grpc-js sees it. */
  readonly take = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
    delete headers[EDGE_HEADER];
    const farDeadline = takeFarDeadline(headers);
    if (farDeadline === undefined) return;
    this.#ordinal += 1;
    const id = String(this.#ordinal);
    headers[EDGE_HEADER] = id;
    this.#edges.set(id, { farDeadline });
    stream.once('close', () => this.#edges.delete(id));
  };

  /** What is known of the call that has this metadata, which is taken out of it. */
  of(metadata: Metadata): CallEdge | undefined {
    const [id] = metadata.get(EDGE_HEADER);
    if (id === undefined) return undefined;
    metadata.remove(EDGE_HEADER);
    return this.#edges.get(String(id));
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

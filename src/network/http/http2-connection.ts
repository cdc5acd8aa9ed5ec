import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import {
  HTTP_IDLE_MS,
  HTTP2_CONNECTION_WINDOW_BYTES,
  HTTP2_STREAM_WINDOW_BYTES,
  MAX_HTTP_HEADER_BYTES,
  MAX_HTTP2_STREAMS,
} from '../../limits.ts';
import { codeOf } from '../checked-addresses.ts';
import { drained } from './drained.ts';
import type {
  ConnectionEvents,
  HttpConnection,
  WireAnswer,
  WireExchange,
  WireHead,
} from './http-connection.ts';
import type { HttpField } from './http-message.ts';
import { http2Ending } from './http2-ending.ts';
import { InvalidAnswer } from './invalid-answer.ts';
import { fieldText, fromRaw } from './raw-fields.ts';

/** Those that HTTP/2 says otherwise. */
const FRAMING = new Set(['host', 'connection', 'transfer-encoding']);

/** A connection over which HTTP/2 is spoken: many exchanges at a time. */
export class Http2Connection implements HttpConnection {
  readonly #session: ClientHttp2Session;
  readonly #events: ConnectionEvents;
  readonly #underWay = new Set<Http2Exchange>();
  #claims = 0;

  constructor(socket: TLSSocket, url: URL, events: ConnectionEvents) {
    this.#events = events;
    this.#session = connect(url.origin, {
      createConnection: () => socket,
      maxHeaderListPairs: MAX_HTTP_HEADER_BYTES,
      settings: {
        enablePush: false,
        initialWindowSize: HTTP2_STREAM_WINDOW_BYTES,
        // Counted here, so that what is too long by little is called so.
        maxHeaderListSize: 4 * MAX_HTTP_HEADER_BYTES,
      },
    });
    this.#session.once('connect', () => {
      this.#session.setLocalWindowSize(HTTP2_CONNECTION_WINDOW_BYTES);
    });
    // The exchanges are told by their streams.
    this.#session.on('error', () => {});
    this.#session.once('close', () => events.onGone(this));
    let failure: Error | undefined;
    socket.once('error', (error) => {
      failure = error;
    });
    // It stays half open otherwise, as connections of the dialer do, and nothing more comes.
    socket.once('end', () => socket.destroy());
    // Whatever Node.js makes of streams whose request is not whole.
    socket.once('close', () => {
      for (const exchange of this.#underWay) exchange.lose(failure);
    });
  }

  get alive(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  get available(): boolean {
    const { maxConcurrentStreams = MAX_HTTP2_STREAMS } = this.#session.remoteSettings ?? {};
    return this.alive && this.#claims < Math.min(MAX_HTTP2_STREAMS, maxConcurrentStreams);
  }

  claim(): void {
    this.#claims += 1;
    if (this.#claims === 1) this.#events.onBusy(this);
  }

  unclaim(): void {
    this.#claims -= 1;
    if (this.#claims > 0) return;
    if (this.alive) this.#events.onIdle(this, HTTP_IDLE_MS);
    // One that the other side wants to end.
    else this.destroy();
  }

  begin(head: WireHead): WireExchange {
    const exchange = new Http2Exchange(this.#open(head), () => {
      this.#underWay.delete(exchange);
      this.unclaim();
    });
    this.#underWay.add(exchange);
    return exchange;
  }

  destroy(): void {
    this.#session.destroy();
  }

  #open(head: WireHead): ClientHttp2Stream {
    const options = { endStream: !head.hasBody };
    try {
      return this.#session.request(
        headersOf(head, (values) => values),
        options,
      );
    } catch (error) {
      if (codeOf(error) !== 'ERR_HTTP2_HEADER_SINGLE_VALUE') throw error;
      // Those that Node.js lets be there but once are joined, as RFC 9110, section 5.3 has it.
      return this.#session.request(
        headersOf(head, (values) => values.join(', ')),
        options,
      );
    }
  }
}

/** Headers as Node.js takes them: those with one name go out together. */
function headersOf(
  { fields, method, url }: WireHead,
  several: (values: string[]) => string | string[],
): OutgoingHttpHeaders {
  const headers: Record<string, string | string[]> = Object.create(null);
  headers[':method'] = method;
  headers[':scheme'] = url.protocol.slice(0, -1);
  headers[':authority'] = fieldText(fields, 'host') ?? url.host;
  headers[':path'] = `${url.pathname}${url.search}`;
  const named = new Map<string, string[]>();
  for (const field of fields) {
    const name = field.name.toLowerCase();
    const values = named.get(name) ?? [];
    values.push(field.value.toString('latin1'));
    if (!FRAMING.has(name)) named.set(name, values);
  }
  for (const [name, values] of named) {
    headers[name] = values.length === 1 ? values.join() : several(values);
  }
  return headers;
}

class Http2Exchange implements WireExchange {
  readonly answer: Promise<WireAnswer>;
  readonly #stream: ClientHttp2Stream;
  #failure: Error | undefined;
  #trailers: readonly HttpField[] = [];
  #ended = false;

  constructor(stream: ClientHttp2Stream, onClose: () => void) {
    this.#stream = stream;
    this.#watchEnd();
    stream.once('close', onClose);
    stream.on('trailers', (_headers, _flags, ...rest: unknown[]) => {
      this.#trailers = fromRaw(rawOf(rest));
    });
    this.answer = new Promise((resolve, reject) => {
      stream.on('error', (error) => {
        this.#failure ??= error;
        reject(this.#ending());
      });
      stream.once('close', () => reject(this.#ending()));
      stream.once('response', (headers, _flags, ...rest: unknown[]) => {
        const fields = fromRaw(rawOf(rest));
        const bytes = fields.reduce((sum, { name, value }) => sum + name.length + value.length, 0);
        if (bytes > MAX_HTTP_HEADER_BYTES) {
          this.#failure = new InvalidAnswer('HEADER_OVERFLOW');
          reject(this.#failure);
          return;
        }
        resolve({
          status: headers[':status'] ?? 0,
          version: '2',
          fields,
          body: stream,
          cut: () => this.#cut(),
          trailers: () => this.#trailers,
        });
      });
    });
    this.answer.catch(() => {});
  }

  async write(piece: Uint8Array): Promise<boolean> {
    if (this.#gone) return false;
    // The head went out by itself.
    if (piece.length > 0 && !this.#stream.write(piece)) await drained(this.#stream);
    return !this.#gone;
  }

  end(): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (): void => resolve(this.#stream.writableFinished);
      if (this.#gone || this.#stream.writableFinished) {
        settle();
        return;
      }
      this.#stream.once('finish', settle).once('close', settle);
      if (!this.#stream.writableEnded) this.#stream.end();
    });
  }

  release(): void {
    if (this.#stream.destroyed) return;
    const isWhole = this.#ended && this.#stream.readableEnded && this.#stream.writableFinished;
    if (!isWhole) this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#stream.destroy();
  }

  /** Its connection is gone. An answer that is whole can be read to its end. */
  lose(failure: Error | undefined): void {
    if (!this.#ended) this.#stream.destroy(failure);
  }

  get #gone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  /**
   * Node.js ends the body of a stream that was reset without an error as it does a whole one; that
   * is closed when it does so, and one whose end has come is not.
   */
  #watchEnd(): void {
    const stream = this.#stream;
    const push = stream.push.bind(stream);
    stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk === null && !stream.closed) this.#ended = true;
      return push(chunk, encoding);
    };
  }

  #cut(): Error | undefined {
    return this.#ended && this.#failure === undefined ? undefined : this.#ending();
  }

  /** Why it ended. */
  #ending(): Error {
    return http2Ending(this.#stream.rstCode ?? constants.NGHTTP2_NO_ERROR, this.#failure);
  }
}

/** The headers as they came, which Node.js tells last, and its types leave out. */
function rawOf(rest: readonly unknown[]): readonly string[] {
  const [raw] = rest;
  return Array.isArray(raw) ? raw.map(String) : [];
}

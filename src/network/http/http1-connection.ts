import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { HTTP_IDLE_MS, MAX_HTTP_HEADER_BYTES } from '../../limits.ts';
import { SECOND } from '../../units.ts';
import { drained } from './drained.ts';
import type {
  ConnectionEvents,
  HttpConnection,
  WireAnswer,
  WireExchange,
  WireHead,
} from './http-connection.ts';
import { InvalidAnswer } from './invalid-answer.ts';
import { fieldText, fromRaw, toRaw } from './raw-fields.ts';

/** A connection over which HTTP/1.1 is spoken: one exchange at a time, never one in two pieces. */
export class Http1Connection implements HttpConnection {
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  readonly #agent: Agent;
  #claimed = false;
  #watched = false;
  #keepMs = HTTP_IDLE_MS;

  constructor(socket: Socket, events: ConnectionEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#agent = oneSocketAgent(socket, () => this.#freed());
    // What failed is told where it is used; it must not be missed where it is not.
    socket.on('error', () => {});
    socket.once('close', () => events.onGone(this));
  }

  get alive(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  get available(): boolean {
    return this.alive && !this.#claimed;
  }

  claim(): void {
    this.#claimed = true;
    this.#events.onBusy(this);
  }

  unclaim(): void {
    this.#claimed = false;
    if (this.alive) this.#events.onIdle(this, this.#keepMs);
  }

  begin(head: WireHead): WireExchange {
    this.#unwatch();
    const sent = openRequest(head, this.#agent);
    const exchange = new Http1Exchange(sent, this.#socket, (answer) => {
      this.#keepMs = keepTime(fieldText(answer.fields, 'keep-alive'));
    });
    // Those of a connection that was idle are read on; one that is new was not read yet.
    this.#socket.resume();
    return exchange;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** The exchange is over, and both are whole. */
  #freed(): void {
    if (this.#keepMs <= 0) {
      this.destroy();
      return;
    }
    this.#watch();
    this.unclaim();
  }

  /** While nothing is asked, whatever comes ends it. */
  readonly #unasked = (): void => void this.#socket.destroy();

  #watch(): void {
    this.#watched = true;
    this.#socket.on('data', this.#unasked).on('end', this.#unasked).resume();
  }

  #unwatch(): void {
    if (!this.#watched) return;
    this.#watched = false;
    this.#socket.off('data', this.#unasked).off('end', this.#unasked);
  }
}

/** How long a connection may be kept by what the other side said, in milliseconds. */
function keepTime(keepAlive: string | undefined): number {
  const seconds = /(?:^|[\s,;])timeout=(\d{1,9})/i.exec(keepAlive ?? '')?.[1];
  // A second before the other side's end: what is sent then may or may not be done.
  if (seconds === undefined) return HTTP_IDLE_MS;
  return Math.min(HTTP_IDLE_MS, (Number(seconds) - 1) * SECOND);
}

/** An agent that has one socket, and never another: nothing is sent twice. */
function oneSocketAgent(socket: Socket, onFree: () => void): Agent {
  class OneSocketAgent extends Agent {
    override createConnection(): Socket {
      // Nothing would be told of one that is gone.
      if (socket.destroyed) throw new InvalidAnswer('CLOSED');
      return socket;
    }

    override keepSocketAlive(): boolean {
      onFree();
      return true;
    }
  }
  return new OneSocketAgent({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 });
}

function openRequest({ fields, method, url }: WireHead, agent: Agent): ClientRequest {
  const options = {
    agent,
    host: url.hostname,
    path: `${url.pathname}${url.search}`,
    method,
    setHost: false,
    maxHeaderSize: MAX_HTTP_HEADER_BYTES,
    // Whatever the flags of this process say.
    insecureHTTPParser: false,
  };
  if (method === method.toUpperCase()) return request({ ...options, headers: toRaw(fields) });
  // Node.js sends methods in upper case, but not one that is set later: then it must not have made
  // the head yet, and those with one name go out together.
  const sent = request(options);
  sent.method = method;
  for (const { name, value } of fields) sent.appendHeader(name, value.toString('latin1'));
  return sent;
}

class Http1Exchange implements WireExchange {
  readonly answer: Promise<WireAnswer>;
  readonly #request: ClientRequest;
  readonly #socket: Socket;
  #response: IncomingMessage | undefined;
  #failure: Error | undefined;
  #released = false;

  constructor(sent: ClientRequest, socket: Socket, onAnswer: (answer: WireAnswer) => void) {
    this.#request = sent;
    this.#socket = socket;
    // By their bytes alone.
    sent.maxHeadersCount = 0;
    this.answer = new Promise((resolve, reject) => {
      sent.on('error', (error) => {
        this.#failure ??= error;
        reject(error);
      });
      sent.once('close', () => reject(this.#failure ?? new InvalidAnswer('CLOSED')));
      sent.once('upgrade', () => {
        this.#failure ??= new InvalidAnswer('INVALID_RESPONSE');
        socket.destroy();
        reject(this.#failure);
      });
      sent.once('response', (response) => {
        this.#response = response;
        // It is looked at when the body has ended.
        response.on('error', (error) => {
          this.#failure ??= error;
        });
        const answer = this.#answerOf(response);
        onAnswer(answer);
        resolve(answer);
      });
    });
    this.answer.catch(() => {});
  }

  async write(piece: Uint8Array): Promise<boolean> {
    if (this.#gone) return false;
    if (piece.length === 0) {
      this.#request.flushHeaders();
      return true;
    }
    if (!this.#request.write(piece)) await drained(this.#request);
    return !this.#gone;
  }

  end(): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (): void => resolve(this.#request.writableFinished);
      if (this.#gone) {
        settle();
        return;
      }
      this.#request.once('finish', settle).once('close', settle);
      this.#request.end();
    });
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    const isWhole = this.#response?.complete && this.#response.readableEnded;
    if (isWhole && this.#request.writableFinished && this.#failure === undefined) return;
    this.#socket.destroy();
  }

  get #gone(): boolean {
    return this.#request.destroyed || this.#socket.destroyed;
  }

  #answerOf(response: IncomingMessage): WireAnswer {
    return {
      status: response.statusCode ?? 0,
      version: response.httpVersion,
      fields: fromRaw(response.rawHeaders),
      body: response,
      cut: () => this.#failure ?? (response.complete ? undefined : new InvalidAnswer('CLOSED')),
      trailers: () => fromRaw(response.rawTrailers),
    };
  }
}

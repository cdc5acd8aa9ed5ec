import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  HttpRequestHeadSchema,
  HttpResponseEnd,
  HttpResponseHead,
  RequestRequestSchema,
  RequestResponse,
} from '../gen/runlet/v1/http_pb.ts';
import { ensure, ensureEqual } from './assert.ts';
import { handled } from './clients.ts';
import type { CheckContext } from './context.ts';
import { LiveMessages } from './live-messages.ts';
import { type Asked, type RawHeader, Upstream } from './upstream.ts';

/** What is sent; the session is the check's own, and the method `GET`, unless they are given. */
export type HeadInit = MessageInitShape<typeof HttpRequestHeadSchema> & { $typeName?: never };

type Message = MessageInitShape<typeof RequestRequestSchema>;
type Response = RequestResponse['response'];

/** Milliseconds within which a connection ends that nobody needs any more, on a machine that does much else. */
const GONE_WITHIN_MS = 5_000;

/** A whole answer. */
export interface Answer {
  readonly head: HttpResponseHead;
  readonly body: Buffer;
  readonly end: HttpResponseEnd;
}

/** A `Request` call, whose messages are read as they are asked for. */
export class Exchange {
  readonly #requests = new LiveMessages<Message>();
  readonly #responses: AsyncIterator<RequestResponse>;
  readonly #left = new AbortController();
  #first: Promise<IteratorResult<RequestResponse>> | undefined;

  /** Begins one with these messages. */
  constructor({ http, signal }: CheckContext, ...messages: readonly Message[]) {
    for (const message of messages) this.#requests.give(message);
    const ends = AbortSignal.any([signal, this.#left.signal]);
    this.#responses = http.request(this.#requests, { signal: ends })[Symbol.asyncIterator]();
    // The call is made when the first answer is asked for.
    this.#first = handled(this.#responses.next());
  }

  /** Begins one with its head. */
  static begin(context: CheckContext, init: HeadInit): Exchange {
    return new Exchange(context, headOf(context, init));
  }

  /** Sends a message, whatever it is. */
  give(message: Message): void {
    this.#requests.give(message);
  }

  /** Sends bytes of the body. */
  body(data: string | Uint8Array): void {
    this.give({ request: { case: 'body', value: Buffer.from(data) } });
  }

  /** Says that the body is whole. */
  end(): void {
    this.give({ request: { case: 'end', value: {} } });
  }

  /** Cancels the call, as a client does that goes away. */
  leave(): void {
    this.#left.abort();
  }

  /** The next message, a heartbeat too; undefined at the end of the stream. */
  async nextOfAll(): Promise<Response | undefined> {
    const first = this.#first;
    this.#first = undefined;
    const { done, value } = await (first ?? this.#responses.next());
    return done === true ? undefined : value.response;
  }

  /** The next message that is no heartbeat; undefined at the end of the stream. */
  async next(): Promise<Response | undefined> {
    for (;;) {
      const response = await this.nextOfAll();
      if (response === undefined || response.case !== undefined) return response;
    }
  }

  /**
   * The head of the answer.
   *
   * @throws ConformanceError if another message comes first
   */
  async head(): Promise<HttpResponseHead> {
    const first = await this.next();
    ensure(first?.case === 'head', `the first message of an answer was ${first?.case}`);
    return first.value;
  }

  /**
   * All of the answer.
   *
   * @throws ConformanceError if the messages come in another order than that of the contract
   */
  async answer(): Promise<Answer> {
    const head = await this.head();
    return { head, ...(await this.rest()) };
  }

  /** All that comes after the head. */
  async rest(): Promise<Omit<Answer, 'head'>> {
    const pieces: Uint8Array[] = [];
    for (;;) {
      const message = await this.next();
      ensure(message !== undefined, 'the stream of an answer ended without `end`');
      ensure(message.case !== 'head', 'an answer had two heads');
      if (message.case === 'body') pieces.push(message.value);
      if (message.case !== 'end') continue;
      const after = await this.next();
      ensure(after === undefined, `\`${after?.case}\` came after \`end\``);
      return { body: Buffer.concat(pieces), end: message.value };
    }
  }
}

/** Sends a request without a body, or with that of its head, and returns the answer. */
export function ask(context: CheckContext, init: HeadInit): Promise<Answer> {
  const exchange = Exchange.begin(context, init);
  exchange.end();
  return handled(exchange.answer());
}

/** The message that begins a request. */
export function headOf({ sessionId }: CheckContext, init: HeadInit): Message {
  return { request: { case: 'head', value: { sessionId, method: 'GET', ...init } } };
}

/** What an upstream was asked, and what the client was answered. */
export interface Exchanged {
  readonly answer: Answer;
  readonly asked: Asked;
}

/** Sends a request to an upstream that is made for it, and has it answered. */
export async function exchanged(
  context: CheckContext,
  init: HeadInit,
  respond: (asked: Asked) => void | Promise<void> = (asked) => asked.answer('200 OK'),
  path = '/',
): Promise<Exchanged> {
  const upstream = await Upstream.start(context);
  const answering = ask(context, { url: upstream.url(path), ...init });
  const [answer, asked] = await both(answering, answered(upstream, respond));
  return { answer, asked };
}

/**
 * Waits for an answer, and for what gives it to have given it.
 *
 * @throws ConformanceError if an answer comes before that; as the call does, also before anything
 *   has come
 */
export async function both<T>(
  answering: Promise<Answer>,
  serving: Promise<T>,
): Promise<readonly [Answer, T]> {
  await Promise.race([answering, handled(serving)]);
  const answer = await answering;
  const isOpen = Symbol('it goes on');
  const served = await Promise.race([serving, Promise.resolve(isOpen)]);
  ensure(typeof served !== 'symbol', `${answer.head.status} came while more was to be asked`);
  return [answer, served];
}

/**
 * Waits until an upstream sees the end of a connection, whichever way that is.
 *
 * @throws ConformanceError if it does not come for long
 */
export async function ensureGone(context: CheckContext, { tunnel }: Asked): Promise<void> {
  const late = context.letPass(GONE_WITHIN_MS).then(() => 'late');
  const rest = tunnel.toEof().catch(() => Buffer.alloc(0));
  const what = await Promise.race([rest.then((bytes) => bytes.toString()), late]);
  ensureEqual(what, '', 'what comes before the connection ends');
}

/** Takes the next request of an upstream, and answers it. */
export async function answered(
  upstream: Upstream,
  respond: (asked: Asked) => void | Promise<void>,
): Promise<Asked> {
  const asked = await upstream.next();
  await respond(asked);
  return asked;
}

/** Headers of a request, whose values are one byte for each character. */
export function headers(...raw: readonly RawHeader[]): NonNullable<HeadInit['headers']> {
  return raw.map(([name, value]) => ({ name, value: Buffer.from(value, 'latin1') }));
}

/** Headers of an answer as they are on the wire. */
export function rawOf(
  list: readonly { readonly name: string; readonly value: Uint8Array }[],
): readonly RawHeader[] {
  return list.map(({ name, value }) => [name, Buffer.from(value).toString('latin1')]);
}

import type { Clock } from '../../clock.ts';
import { invalidField, RunletError } from '../../errors.ts';
import { answerBody, isDecoded } from './answer-body.ts';
import type { ConnectionPools } from './connection-pools.ts';
import type { WireAnswer, WireExchange } from './http-connection.ts';
import { UNKNOWN_CREDENTIAL } from './http-credentials.ts';
import type { HttpCaller } from './http-exchanges.ts';
import { failureCode, httpDenied, httpFailed } from './http-failure.ts';
import type { HttpExchangeRequest, HttpMessage } from './http-message.ts';
import { fieldText } from './raw-fields.ts';
import { type Hop, isRedirect, nextHop, plainUrl } from './redirect.ts';
import { dropRedirectBody } from './redirect-body.ts';
import { framedHead, RequestBody } from './request-body.ts';
import { SecretScan } from './secret-scan.ts';

/** What an exchange is done with. */
export interface ExchangeWays {
  readonly caller: HttpCaller;
  readonly clock: Clock;
  readonly pools: ConnectionPools;
}

/** One request with all that it leads to, and the parts of its answer. */
export async function* exchange(
  request: HttpExchangeRequest,
  ways: ExchangeWays,
): AsyncGenerator<HttpMessage> {
  const { caller, clock } = ways;
  const ends = new AbortController();
  const giveUp = (): void => ends.abort(caller.signal.reason);
  caller.signal.addEventListener('abort', giveUp);
  if (caller.signal.aborted) giveUp();
  const fail = (error: unknown): void => {
    if (ends.signal.aborted) return;
    ends.abort(error);
    caller.fail(error);
  };
  const url = plainUrl(request.url);
  const { timeoutMs } = request;
  const total =
    timeoutMs === undefined
      ? undefined
      : clock.setTimer(timeoutMs, () => {
          fail(httpFailed('TIMEOUT', 'TOTAL', 'it took too long', url));
        });
  try {
    yield* new Exchange(request, url, ways, ends, fail).messages();
  } catch (error) {
    ends.signal.throwIfAborted();
    throw error;
  } finally {
    total?.cancel();
    caller.signal.removeEventListener('abort', giveUp);
    // Whatever is left of it.
    ends.abort();
  }
}

class Exchange {
  readonly #request: HttpExchangeRequest;
  readonly #ways: ExchangeWays;
  readonly #ends: AbortController;
  readonly #body: RequestBody;
  readonly #asked: Hop[] = [];
  /** What no answer may tell. */
  readonly #scan = new SecretScan();
  #hop: Hop;
  /** What the hop is under way over. */
  #wire: WireExchange | undefined;

  constructor(
    request: HttpExchangeRequest,
    url: URL,
    ways: ExchangeWays,
    ends: AbortController,
    fail: (error: unknown) => void,
  ) {
    this.#request = request;
    this.#ways = ways;
    this.#ends = ends;
    this.#body = new RequestBody(request, ends.signal, fail);
    ends.signal.addEventListener('abort', () => this.#wire?.release());
    this.#hop = { method: request.method, url, fields: request.fields, sendsBody: true };
  }

  async *messages(): AsyncGenerator<HttpMessage> {
    for (;;) {
      const { answer, wire } = await this.#ask();
      if (this.#request.follows && isRedirect(answer.status, answer.fields)) {
        await this.#follow(answer, wire);
        continue;
      }
      yield* this.#tell(answer);
      wire.release();
      return;
    }
  }

  async #follow(answer: WireAnswer, wire: WireExchange): Promise<void> {
    const next = nextHop({
      hop: this.#hop,
      status: answer.status,
      fields: answer.fields,
      asked: this.#asked,
      streamed: this.#body.streamed,
    });
    await dropRedirectBody(answer, wire, this.#ways.clock);
    this.#ends.signal.throwIfAborted();
    this.#asked.push(this.#hop);
    this.#hop = next;
  }

  /** Sends the request of a hop, and waits for the head of its answer. */
  async #ask(): Promise<{ readonly answer: WireAnswer; readonly wire: WireExchange }> {
    const { url } = this.#hop;
    const credential = this.#credential();
    const wire = await this.#open(credential);
    const { signal } = this.#ends;
    this.#wire = wire;
    if (signal.aborted) wire.release();
    const sent = this.#body.send(wire, this.#hop);
    try {
      const answer = await this.#answerOf(wire, sent.whole);
      if (answer.status < 200) {
        throw httpFailed('HEADER', 'INVALID_RESPONSE', 'what was answered is not HTTP', url);
      }
      this.#scan.assertFields(answer.fields, url);
      return { answer, wire };
    } catch (error) {
      wire.release();
      if (error instanceof RunletError) throw error;
      signal.throwIfAborted();
      const code = failureCode(error);
      const isAnswered = code === 'HEADER_OVERFLOW' || code === 'INVALID_RESPONSE';
      const stage = sent.isWhole() || isAnswered ? 'HEADER' : 'REQUEST';
      throw httpFailed(stage, code, 'the connection ended without an answer', url, error);
    }
  }

  #credential(): HttpExchangeRequest['fields'] {
    const { credential, credentials } = this.#request;
    if (credential === '') return [];
    if (credentials === undefined) throw invalidField('head.credential', UNKNOWN_CREDENTIAL);
    const { fields, url } = this.#hop;
    const field = credentials.headerFor(credential, url);
    if (fieldText(fields, field.name.toLowerCase()) !== undefined) {
      throw invalidField('head.headers', 'must not have the header of the credential');
    }
    // Who is behind a host that several share looks at this one.
    const host = fieldText(fields, 'host');
    if (host !== undefined && host.toLowerCase() !== url.host) {
      throw httpDenied('a credential is not sent with the header host of another', url, '');
    }
    this.#scan.add(field.value);
    return [field];
  }

  /** Has a connection when there is something to send over it, and begins. */
  async #open(credential: HttpExchangeRequest['fields']): Promise<WireExchange> {
    const { caller, pools } = this.#ways;
    const { signal } = this.#ends;
    const { url } = this.#hop;
    const options = { asker: caller.asker, timeoutMs: this.#request.connectTimeoutMs, signal };
    for (;;) {
      const connection = await pools.take(caller.session, url, options);
      try {
        await this.#body.begun();
        signal.throwIfAborted();
      } catch (error) {
        connection.unclaim();
        throw error;
      }
      if (connection.alive) return connection.begin(framedHead(this.#hop, this.#body, credential));
      // Nothing was sent over it.
      connection.unclaim();
    }
  }

  /** The head of an answer, which may take so long after all was sent. */
  async #answerOf(wire: WireExchange, whole: Promise<void>): Promise<WireAnswer> {
    const { headerTimeoutMs } = this.#request;
    const { clock } = this.#ways;
    if (headerTimeoutMs === undefined) return wire.answer;
    const { url } = this.#hop;
    let settled = false;
    let cancel = (): void => {};
    const timedOut = new Promise<never>((_resolve, reject) => {
      void whole.then(() => {
        if (settled) return;
        const timer = clock.setTimer(headerTimeoutMs, () => {
          reject(httpFailed('TIMEOUT', 'HEADER', 'there was no answer in time', url));
        });
        cancel = () => timer.cancel();
      });
    });
    try {
      return await Promise.race([wire.answer, timedOut]);
    } finally {
      settled = true;
      cancel();
    }
  }

  async *#tell(answer: WireAnswer): AsyncGenerator<HttpMessage> {
    const { status, version } = answer;
    const { method, url } = this.#hop;
    const decodes = isDecoded(this.#request, answer, method);
    const fields = decodes
      ? answer.fields.filter(({ name }) => name !== 'content-encoding' && name !== 'content-length')
      : answer.fields;
    const redirectedUrls = this.#asked.map((hop) => hop.url.href);
    const head = { status, version, fields, finalUrl: url.href, redirectedUrls };
    yield { kind: 'head', head };
    const body = answerBody(answer, {
      url,
      decodes,
      clock: this.#ways.clock,
      ends: this.#ends,
      idleTimeoutMs: this.#request.idleTimeoutMs,
      maxBytes: this.#request.maxBodyBytes,
      scan: this.#scan,
    });
    let truncated = false;
    for await (const piece of body) {
      if (piece === 'truncated') truncated = true;
      else yield { kind: 'body', data: piece };
    }
    const trailers = truncated ? [] : answer.trailers();
    this.#scan.assertFields(trailers, url);
    yield { kind: 'end', trailers, truncated };
  }
}

import { invalidField } from '../../errors.ts';
import type { WireExchange, WireHead } from './http-connection.ts';
import type { HttpExchangeRequest, HttpField } from './http-message.ts';
import { fieldText } from './raw-fields.ts';
import type { Hop } from './redirect.ts';

/** Methods whose requests say nothing of a body where there is none: RFC 9110, section 8.6. */
const BODILESS = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/** The body of a request, short or streamed. */
export class RequestBody {
  readonly short: Uint8Array;
  readonly #pieces: AsyncIterator<Uint8Array, void>;
  readonly #signal: AbortSignal;
  readonly #fail: (error: unknown) => void;
  #first: IteratorResult<Uint8Array, void> | undefined;

  constructor(
    { body, pieces }: HttpExchangeRequest,
    signal: AbortSignal,
    fail: (error: unknown) => void,
  ) {
    this.short = body ?? new Uint8Array();
    this.#pieces = pieces;
    this.#signal = signal;
    this.#fail = fail;
  }

  /** Whether there is anything that cannot be sent again. Known when it has begun. */
  get streamed(): boolean {
    return this.#first !== undefined && !this.#first.done;
  }

  /**
   * When there is something to send.
   *
   * @throws what the pieces throw; the signal's reason where that aborts
   */
  async begun(): Promise<void> {
    this.#first ??= await orAborted(this.#pieces.next(), this.#signal);
  }

  /** Sends it after the head of a hop's request. */
  send(
    wire: WireExchange,
    hop: Hop,
  ): { readonly whole: Promise<void>; readonly isWhole: () => boolean } {
    let isWhole = false;
    const whole = new Promise<void>((resolve) => {
      this.#sendTo(wire, hop).then((all) => {
        isWhole = all;
        if (all) resolve();
      }, this.#fail);
    });
    return { whole, isWhole: () => isWhole };
  }

  /** @returns whether all was sent; otherwise what is left of it was dropped */
  async #sendTo(wire: WireExchange, hop: Hop): Promise<boolean> {
    if (!hop.sendsBody || !this.streamed) {
      if (hop.sendsBody && this.short.length > 0 && !(await wire.write(this.short))) return false;
      return wire.end();
    }
    const declared = fieldText(hop.fields, 'content-length');
    const most = declared === undefined ? Number.POSITIVE_INFINITY : Number(declared);
    let bytes = 0;
    let takes = true;
    for (let step = this.#first; step && !step.done; step = await this.#pieces.next()) {
      bytes += step.value.length;
      if (bytes > most) throw invalidField('body', 'is longer than its content-length');
      if (takes) takes = await wire.write(step.value);
    }
    if (declared !== undefined && bytes < most) {
      throw invalidField('body', 'is shorter than its content-length');
    }
    return takes && (await wire.end());
  }
}

/** The head of a hop's request, with what is added to it. */
export function framedHead(hop: Hop, body: RequestBody, added: readonly HttpField[]): WireHead {
  const { fields, method, url } = hop;
  const host = fieldText(fields, 'host') === undefined ? [field('host', url.host)] : [];
  const streams = hop.sendsBody && body.streamed;
  const bytes = hop.sendsBody ? body.short.length : 0;
  const all = [...host, ...fields, ...added];
  if (fieldText(fields, 'content-length') === undefined) {
    if (streams) all.push(field('transfer-encoding', 'chunked'));
    else if (bytes > 0 || !BODILESS.has(method)) all.push(field('content-length', `${bytes}`));
  }
  return { method, url, fields: all, hasBody: streams || bytes > 0 };
}

function field(name: string, value: string): HttpField {
  return { name, value: Buffer.from(value, 'latin1') };
}

/** Settles as a promise does, or fails as soon as the signal aborts. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let giveUp = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    giveUp = () => reject(signal.reason);
  });
  signal.addEventListener('abort', giveUp);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

import { MIN_CREDENTIAL_BYTES } from '../../limits.ts';
import { httpFailed } from './http-failure.ts';
import type { HttpField } from './http-message.ts';

/**
 * Looks for the values of credentials in what is answered to a request that had one. A host that a
 * credential is bound to may send back what it got; the caller is not to see that.
 *
 * It is found as it was sent, and nothing else: who makes a host tell it in another form (reversed,
 * in base64, compressed) is not kept from that.
 */
export class SecretScan {
  readonly #secrets: Buffer[] = [];

  /** Looks for what is secret of the value of a header, too. */
  add(value: Buffer): void {
    for (const secret of secretsIn(value)) {
      if (!this.#secrets.some((known) => known.equals(secret))) this.#secrets.push(secret);
    }
  }

  /**
   * Looks at headers or trailers, and where they lead.
   *
   * @throws RunletError `HTTP_FAILED` where one of them tells it
   */
  assertFields(fields: readonly HttpField[], url: URL): void {
    if (this.#secrets.length === 0) return;
    for (const { name, value } of fields) {
      const telling = [Buffer.from(name), value];
      if (name === 'location') telling.push(percentDecoded(value));
      if (telling.some((bytes) => this.#isIn(bytes))) {
        throw httpFailed('HEADER', ECHO, 'its headers tell the credential', url);
      }
    }
  }

  /**
   * The pieces of a body, until one tells it, also over their borders.
   *
   * The end of a piece is kept back until the next while it may become a secret, but only where it
   * is the first half of one already: that a piece comes later, or in two, shows that it begins as
   * the secret does, and half of one is not guessed. So of one that comes in pieces less than half
   * may have been told when it is found.
   *
   * @throws RunletError `HTTP_FAILED` where it tells it
   */
  async *pieces(source: AsyncIterable<Buffer>, url: URL): AsyncGenerator<Buffer> {
    if (this.#secrets.length === 0) {
      yield* source;
      return;
    }
    const longest = Math.max(...this.#secrets.map(({ length }) => length));
    /** What was told last, as much as a secret may begin in. */
    let told = Buffer.alloc(0);
    /** What was kept back. */
    let kept = Buffer.alloc(0);
    for await (const piece of source) {
      const window = Buffer.concat([told, kept, piece]);
      if (this.#isIn(window)) {
        throw httpFailed('BODY', ECHO, 'its body tells the credential', url);
      }
      const keeps = Math.min(this.#startedAtEnd(window), kept.length + piece.length);
      const fresh = window.subarray(told.length, window.length - keeps);
      kept = Buffer.from(window.subarray(window.length - keeps));
      const end = window.length - keeps;
      told = Buffer.from(window.subarray(Math.max(0, end - longest), end));
      if (fresh.length > 0) yield fresh;
    }
    if (kept.length > 0) yield kept;
  }

  #isIn(bytes: Buffer): boolean {
    return this.#secrets.some((secret) => bytes.includes(secret));
  }

  /** How many bytes at the end are the beginning of a secret, half of it or more. */
  #startedAtEnd(window: Buffer): number {
    let most = 0;
    for (const secret of this.#secrets) {
      const least = Math.ceil(secret.length / 2);
      const head = secret.subarray(0, least);
      let at = window.indexOf(head, Math.max(0, window.length - secret.length + 1));
      while (at >= 0) {
        const length = window.length - at;
        if (window.subarray(at).equals(secret.subarray(0, length))) {
          most = Math.max(most, length);
          break;
        }
        at = window.indexOf(head, at + 1);
      }
    }
    return most;
  }
}

/** What went wrong, as the protos list it. */
const ECHO = 'CREDENTIAL';

/**
 * What is secret of a header: what follows a scheme (`Bearer`), or all of it; and of `Basic` the
 * user and password, and the password alone.
 */
function secretsIn(value: Buffer): Buffer[] {
  const text = value.toString('latin1');
  const { rest, scheme } = /^(?<scheme>[A-Za-z0-9-]+)[ \t]+(?<rest>\S+)$/.exec(text)?.groups ?? {};
  if (rest === undefined || rest.length < MIN_CREDENTIAL_BYTES) return [value];
  const secrets = [Buffer.from(rest, 'latin1')];
  if (scheme?.toLowerCase() !== 'basic') return secrets;
  const pair = Buffer.from(rest, 'base64');
  const password = pair.subarray(pair.indexOf(':') + 1);
  const long = [pair, password].filter(({ length }) => length >= MIN_CREDENTIAL_BYTES);
  return [...secrets, ...long];
}

/** Bytes with each `%XX` as the byte that it stands for. */
function percentDecoded(value: Buffer): Buffer {
  const text = value
    .toString('latin1')
    .replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  return Buffer.from(text, 'latin1');
}

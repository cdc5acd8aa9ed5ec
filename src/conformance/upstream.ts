import { ensure } from './assert.ts';
import type { CheckContext } from './context.ts';
import { Listening } from './listening.ts';
import type { Tunnel } from './tunnels.ts';

/** A header as it stands on the wire: its name and its value, one byte for each character. */
export type RawHeader = readonly [name: string, value: string];

/** How a message ends its lines. */
const CRLF = '\r\n';

/**
 * An HTTP server on the loopback of the server's machine, whose bytes come here: it is a listener of
 * the check's session.
 */
export class Upstream {
  readonly #listening: Listening;

  private constructor(listening: Listening) {
    this.#listening = listening;
  }

  static async start(context: CheckContext): Promise<Upstream> {
    return new Upstream(await Listening.start(context));
  }

  /** Where it is: `127.0.0.1:8080`. */
  get authority(): string {
    const { host, port } = this.#listening.target;
    return `${host}:${port}`;
  }

  /** The URL of something there. */
  url(path = '/'): string {
    return `http://${this.authority}${path}`;
  }

  /** The bytes of the next connection, whatever they are. */
  accept(): Promise<Tunnel> {
    return this.#listening.accept();
  }

  /** The first request of the next connection. */
  async next(): Promise<Asked> {
    return Asked.read(await this.accept());
  }
}

/** A request that has come to an upstream, to the end of its head. */
export class Asked {
  readonly tunnel: Tunnel;
  readonly method: string;
  /** What the first line asks for. */
  readonly target: string;
  /** As they came. */
  readonly headers: readonly RawHeader[];

  private constructor(tunnel: Tunnel, head: string) {
    this.tunnel = tunnel;
    const [line = '', ...fields] = head.slice(0, -2 * CRLF.length).split(CRLF);
    const [method = '', target = '', version] = line.split(' ');
    ensure(version === 'HTTP/1.1', `the request began with ${JSON.stringify(line)}`);
    this.method = method;
    this.target = target;
    this.headers = fields.map((field) => {
      const colon = field.indexOf(':');
      ensure(colon > 0, `the request had the header line ${JSON.stringify(field)}`);
      return [field.slice(0, colon), field.slice(colon + 1).trim()];
    });
  }

  /** Reads a head. */
  static async read(tunnel: Tunnel): Promise<Asked> {
    return new Asked(tunnel, await tunnel.readThrough(CRLF + CRLF));
  }

  /** The values of the headers with a name, whatever its case. */
  values(name: string): readonly string[] {
    return this.headers.flatMap(([each, value]) => (each.toLowerCase() === name ? [value] : []));
  }

  /** The names of the headers, in lower case. */
  get names(): readonly string[] {
    return this.headers.map(([name]) => name.toLowerCase());
  }

  /** Its body, as the head frames it. */
  async body(): Promise<Buffer> {
    if (!this.values('transfer-encoding').includes('chunked')) {
      return this.tunnel.read(Number(this.values('content-length')[0] ?? 0));
    }
    const chunks: Buffer[] = [];
    for (;;) {
      const chunk = await this.chunk();
      if (chunk.length === 0) return Buffer.concat(chunks);
      chunks.push(chunk);
    }
  }

  /** The next chunk of a body that is sent in chunks; empty at its end. */
  async chunk(): Promise<Buffer> {
    const size = Number.parseInt(await this.tunnel.readThrough(CRLF), 16);
    const data = Buffer.from(await this.tunnel.read(size));
    ensure((await this.tunnel.readThrough(CRLF)) === CRLF, 'a chunk was longer than its size');
    return data;
  }

  /** Sends bytes; those of a text are one for each character. */
  say(data: string | Uint8Array): void {
    this.tunnel.send(data);
  }

  /** Sends the head of an answer, with these lines; a text after it comes by itself. */
  head(status: string, ...fields: readonly string[]): void {
    this.say([`HTTP/1.1 ${status}`, ...fields, '', ''].join(CRLF));
  }

  /** Sends a whole answer, and closes the connection. */
  answer(
    status: string,
    fields: readonly string[] = [],
    body: string | Uint8Array = new Uint8Array(0),
  ): void {
    this.head(status, ...fields, `content-length: ${body.length}`, 'connection: close');
    if (body.length > 0) this.say(body);
    this.tunnel.eof();
  }
}

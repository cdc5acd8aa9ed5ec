import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ConnectRequestSchema,
  ConnectResponse,
  TunnelEnded,
  TunnelOpenSchema,
} from '../gen/runlet/v1/tunnel_pb.ts';
import { ConformanceError, ensure } from './assert.ts';
import type { Clients } from './clients.ts';
import type { CheckContext } from './context.ts';
import { LiveMessages } from './live-messages.ts';

/** Where a connection leads; the session is the check's own unless it is given. */
export type OpenInit = MessageInitShape<typeof TunnelOpenSchema> & { $typeName?: never };

type Request = MessageInitShape<typeof ConnectRequestSchema>;
type Response = ConnectResponse['response'];

/** A `Connect` call, whose messages are read as they are asked for. */
export class Tunnel {
  readonly #requests: LiveMessages<Request>;
  readonly #responses: AsyncIterator<ConnectResponse>;
  readonly #left: AbortController;
  #peer = '';
  #rest = Buffer.alloc(0);
  #eof = false;
  #end: TunnelEnded | undefined;

  private constructor({ signal }: CheckContext, { tunnels }: Pick<Clients, 'tunnels'>) {
    this.#requests = new LiveMessages();
    this.#left = new AbortController();
    const ends = AbortSignal.any([signal, this.#left.signal]);
    this.#responses = tunnels.connect(this.#requests, { signal: ends })[Symbol.asyncIterator]();
  }

  /**
   * Opens a connection, and waits until it stands.
   *
   * @throws ConformanceError if the first message is another than `opened`
   */
  static async open(
    context: CheckContext,
    open: OpenInit,
    clients: Pick<Clients, 'tunnels'> = context,
  ): Promise<Tunnel> {
    const tunnel = new Tunnel(context, clients);
    tunnel.give({
      request: { case: 'open', value: { sessionId: context.sessionId, ...open } },
    });
    const first = await tunnel.next();
    ensure(first?.case === 'opened', `the first message of a connection was ${first?.case}`);
    tunnel.#peer = first.value.peer;
    return tunnel;
  }

  /** As `opened` told it. */
  get peer(): string {
    return this.#peer;
  }

  /** Sends a message, whatever it is. */
  give(request: Request): void {
    this.#requests.give(request);
  }

  /** Sends bytes; those of a text are one for each character. */
  send(data: string | Uint8Array): void {
    const value = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    this.give({ request: { case: 'data', value: new Uint8Array(value) } });
  }

  /** Says that nothing more is sent. */
  eof(): void {
    this.give({ request: { case: 'eof', value: {} } });
  }

  /** Ends the stream of requests, which says nothing. */
  endRequests(): void {
    this.#requests.end();
  }

  /** Cancels the call, as a client does that goes away. */
  leave(): void {
    this.#left.abort();
  }

  /** The next message, a heartbeat too; undefined at the end of the stream. */
  async nextOfAll(): Promise<Response | undefined> {
    const { done, value } = await this.#responses.next();
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
   * The next bytes, so many.
   *
   * @throws ConformanceError if there are fewer
   */
  async read(count: number): Promise<Buffer> {
    while (this.#rest.length < count) await this.#more(`${count} bytes came`);
    return this.#take(count);
  }

  /**
   * The next bytes, to the end of a text, one byte for each character.
   *
   * @throws ConformanceError if it does not come
   */
  async readThrough(text: string): Promise<string> {
    const found = (): number => this.#rest.indexOf(text, 0, 'latin1');
    while (found() < 0) await this.#more(`${JSON.stringify(text)} came`);
    return this.#take(found() + text.length).toString('latin1');
  }

  /**
   * All bytes that are left, to `eof`.
   *
   * @throws ConformanceError if the connection ends without
   */
  async toEof(): Promise<Buffer> {
    const pieces = [this.#take(this.#rest.length)];
    while (!this.#eof) {
      await this.#advance();
      ensure(this.#eof || this.#end === undefined, 'the connection ended without `eof`');
      pieces.push(this.#take(this.#rest.length));
    }
    return Buffer.concat(pieces);
  }

  /** Reads on to `end`, which has to be the last message. */
  async ended(): Promise<TunnelEnded> {
    while (this.#end === undefined) await this.#advance();
    const after = await this.next();
    ensure(after === undefined, `\`${after?.case}\` came after \`end\``);
    return this.#end;
  }

  /** One message more, of which there has to be one with bytes. */
  async #more(what: string): Promise<void> {
    if (!this.#eof && this.#end === undefined) await this.#advance();
    if (this.#eof || this.#end !== undefined) {
      throw new ConformanceError(`the connection ended before ${what}`);
    }
  }

  async #advance(): Promise<void> {
    const response = await this.next();
    ensure(response !== undefined, 'the stream of a connection ended without `end`');
    if (response.case === 'data') {
      ensure(!this.#eof, 'bytes came after `eof`');
      this.#rest = Buffer.concat([this.#rest, response.value]);
    } else if (response.case === 'eof') {
      ensure(!this.#eof, '`eof` came twice');
      this.#eof = true;
    } else if (response.case === 'end') this.#end = response.value;
    else throw new ConformanceError(`\`${response.case}\` came in the middle of a connection`);
  }

  #take(count: number): Buffer {
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return taken;
  }
}

import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ListenRequestSchema,
  ListenResponse,
  TunnelConnection,
  TunnelListening,
} from '../gen/runlet/v1/tunnel_pb.ts';
import { ensure } from './assert.ts';
import type { CheckContext } from './context.ts';
import { type OpenInit, Tunnel } from './tunnels.ts';

/** Where to listen; the session is the check's own unless it is given. */
export type ListenInit = MessageInitShape<typeof ListenRequestSchema> & { $typeName?: never };

/** A `Listen` call, past `listening`. */
export class Listening {
  readonly #context: CheckContext;
  readonly #sessionId: string;
  readonly #responses: AsyncIterator<ListenResponse>;
  readonly #left: AbortController;
  readonly #listening: TunnelListening;

  private constructor(
    context: CheckContext,
    sessionId: string,
    responses: AsyncIterator<ListenResponse>,
    left: AbortController,
    listening: TunnelListening,
  ) {
    this.#context = context;
    this.#sessionId = sessionId;
    this.#responses = responses;
    this.#left = left;
    this.#listening = listening;
  }

  /**
   * Listens at the loopback of the server's machine, unless it is said where.
   *
   * @throws ConformanceError if the first message is another than `listening`
   */
  static async start(context: CheckContext, init: ListenInit = {}): Promise<Listening> {
    const { sessionId = context.sessionId } = init;
    const left = new AbortController();
    const signal = AbortSignal.any([context.signal, left.signal]);
    const stream = context.tunnels.listen({ ...init, sessionId }, { signal });
    const responses = stream[Symbol.asyncIterator]();
    const { done, value } = await responses.next();
    const first = done === true ? undefined : value.response;
    ensure(first?.case === 'listening', `the first message of a listener was ${first?.case}`);
    return new Listening(context, sessionId, responses, left, first.value);
  }

  get host(): string {
    return this.#listening.host;
  }

  get port(): number {
    return this.#listening.port;
  }

  /** Where it is, for `Connect`. */
  get target(): { readonly host: string; readonly port: number } {
    return { host: this.host, port: this.port };
  }

  /** The next message, a heartbeat too; undefined at the end of the stream. */
  async nextOfAll(): Promise<ListenResponse['response'] | undefined> {
    const { done, value } = await this.#responses.next();
    return done === true ? undefined : value.response;
  }

  /**
   * The next that has connected.
   *
   * @throws ConformanceError if another message comes, or the stream ends
   */
  async next(): Promise<TunnelConnection> {
    for (;;) {
      const response = await this.nextOfAll();
      if (response?.case === 'connection') return response.value;
      ensure(response !== undefined, 'the stream of a listener ended');
      ensure(response.case === undefined, `\`${response.case}\` came from a listener`);
    }
  }

  /** Takes over the next connection. */
  async accept(init: OpenInit = {}): Promise<Tunnel> {
    const { connectionId } = await this.next();
    return Tunnel.open(this.#context, { sessionId: this.#sessionId, connectionId, ...init });
  }

  /** Cancels the call, as a client does that goes away. */
  leave(): void {
    this.#left.abort();
  }
}

/** Two ends of one connection: one that was made, and one that a listener got. */
export interface Pair {
  readonly near: Tunnel;
  readonly far: Tunnel;
}

/** Makes a connection to a listener; each end can be of another session. */
export async function pairOf(
  context: CheckContext,
  near: OpenInit = {},
  far: ListenInit = {},
): Promise<Pair> {
  const listening = await Listening.start(context, far);
  const made = Tunnel.open(context, { ...listening.target, ...near });
  const [one, other] = await Promise.all([made, listening.accept()]);
  return { near: one, far: other };
}

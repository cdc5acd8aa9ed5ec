import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  HttpHeader,
  HttpResponseEnd,
  HttpResponseHead,
  RequestRequestSchema,
} from '../../../src/gen/runlet/v1/http_pb.ts';
import {
  type ConnectRequestSchema,
  type TunnelEnded,
  TunnelEndSchema,
} from '../../../src/gen/runlet/v1/tunnel_pb.ts';
import { nameOfValue } from './enum-names.ts';
import type { ConnectParams, HeaderPair, RequestParams } from './protocol.ts';
import type { Performers } from './typescript-driver.ts';

/** What came of a stream: the kinds of its messages, and all of the bytes. */
class Received {
  readonly kinds: string[] = [];
  readonly #pieces: Uint8Array[] = [];

  take(kind: string | undefined, data?: Uint8Array): void {
    if (kind !== undefined && this.kinds.at(-1) !== kind) this.kinds.push(kind);
    if (data !== undefined) this.#pieces.push(data);
  }

  get data(): string {
    return Buffer.concat(this.#pieces).toString('base64');
  }
}

/** The operations on the network. */
export const NETWORK_PERFORMERS: Pick<Performers, 'connect' | 'request'> = {
  async connect({ params, options, tunnels }) {
    const received = new Received();
    let peer = '';
    let end: TunnelEnded | undefined;
    for await (const { response } of tunnels.connect(sentOver(params), options)) {
      received.take(response.case, response.case === 'data' ? response.value : undefined);
      if (response.case === 'opened') peer = response.value.peer;
      if (response.case === 'end') end = response.value;
    }
    if (end === undefined) throw new Error('the connection has no end');
    return {
      kinds: received.kinds,
      peer,
      data: received.data,
      end: {
        kind: nameOfValue(TunnelEndSchema, end.kind),
        sent_bytes: Number(end.sentBytes),
        received_bytes: Number(end.receivedBytes),
      },
    };
  },
  async request({ params, options, http }) {
    const received = new Received();
    let head: HttpResponseHead | undefined;
    let end: HttpResponseEnd | undefined;
    for await (const { response } of http.request(asked(params), options)) {
      received.take(response.case, response.case === 'body' ? response.value : undefined);
      if (response.case === 'head') head = response.value;
      if (response.case === 'end') end = response.value;
    }
    if (head === undefined || end === undefined) throw new Error('the answer is not whole');
    return {
      kinds: received.kinds,
      status: head.status,
      headers: head.headers.map(pairOf),
      final_url: head.finalUrl,
      http_version: head.httpVersion,
      data: received.data,
      trailers: end.trailers.map(pairOf),
      truncated: end.truncated,
    };
  },
};

async function* sentOver({
  attachment_id: attachmentId = '',
  data = '',
  host,
  port,
  session_id: sessionId,
}: ConnectParams): AsyncGenerator<MessageInitShape<typeof ConnectRequestSchema>> {
  yield { request: { case: 'open', value: { sessionId, attachmentId, host, port } } };
  if (data !== '') yield { request: { case: 'data', value: Buffer.from(data, 'base64') } };
  yield { request: { case: 'eof', value: {} } };
}

async function* asked({
  attachment_id: attachmentId = '',
  headers: pairs = [],
  method,
  pieces = [],
  session_id: sessionId,
  url,
}: RequestParams): AsyncGenerator<MessageInitShape<typeof RequestRequestSchema>> {
  const headers = pairs.map(([name, value]) => ({ name, value: Buffer.from(value) }));
  const head = { sessionId, attachmentId, method, url, headers };
  yield { request: { case: 'head', value: head } };
  for (const piece of pieces) {
    yield { request: { case: 'body', value: Buffer.from(piece, 'base64') } };
  }
  yield { request: { case: 'end', value: {} } };
}

function pairOf({ name, value }: HttpHeader): HeaderPair {
  return [name, Buffer.from(value).toString()];
}

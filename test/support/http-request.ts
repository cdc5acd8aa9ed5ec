import type { MessageInitShape } from '@bufbuild/protobuf';
import { createClient } from '../../src/bridge/create-client.ts';
import type { CallOptions } from '../../src/bridge/types.ts';
import { HttpStage } from '../../src/gen/runlet/v1/error_pb.ts';
import {
  type HttpHeader,
  type HttpRequestHeadSchema,
  HttpService,
  type RequestRequestSchema,
  type RequestResponse,
} from '../../src/gen/runlet/v1/http_pb.ts';
import { failureOf } from './failure.ts';
import type { Harness } from './harness.ts';

type Part = MessageInitShape<typeof RequestRequestSchema>;
export type HeadInit = MessageInitShape<typeof HttpRequestHeadSchema>;

/** An answer that is whole, with headers as `name: value`, each character a byte. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
  readonly trailers: readonly string[];
  readonly truncated: boolean;
  readonly finalUrl: string;
  readonly redirectedUrls: readonly string[];
  readonly version: string;
}

/** A header as it is sent. */
export function header(name: string, value: string): { name: string; value: Uint8Array } {
  return { name, value: Buffer.from(value, 'latin1') };
}

/** The messages of a request: its head, what is streamed, and the end. */
export async function* parts(
  head: HeadInit,
  pieces: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array> = [],
): AsyncGenerator<Part> {
  yield { request: { case: 'head', value: head } };
  for await (const piece of pieces) {
    yield { request: { case: 'body', value: Buffer.from(piece) } };
  }
  yield { request: { case: 'end', value: {} } };
}

/** Sends a request of a harness's session. */
export function httpCall(
  { connection, sessionId }: Pick<Harness, 'connection' | 'sessionId'>,
  head: HeadInit,
  pieces?: Parameters<typeof parts>[1],
  options?: CallOptions,
): AsyncIterable<RequestResponse> {
  const http = createClient(HttpService, connection);
  return http.request(parts({ sessionId, method: 'GET', ...head }, pieces), options);
}

/** Reads an answer to its end, which it must have. */
export async function wholeAnswer(messages: AsyncIterable<RequestResponse>): Promise<HttpAnswer> {
  let head: Omit<HttpAnswer, 'body' | 'trailers' | 'truncated'> | undefined;
  const body: Uint8Array[] = [];
  let end: Pick<HttpAnswer, 'trailers' | 'truncated'> | undefined;
  for await (const { response } of messages) {
    if (end !== undefined) throw new Error('something came after the end');
    if (response.case === 'head') {
      const { finalUrl, headers, httpVersion: version, redirectedUrls, status } = response.value;
      head = { status, headers: texts(headers), finalUrl, redirectedUrls, version };
    } else if (response.case === 'body') {
      body.push(response.value);
    } else if (response.case === 'end') {
      const { trailers, truncated } = response.value;
      end = { trailers: texts(trailers), truncated };
    }
  }
  if (head === undefined || end === undefined) throw new Error('the answer is not whole');
  return { ...head, ...end, body: Buffer.concat(body) };
}

/** How a request failed: `HTTP_FAILED HEADER CLOSED`, without what is not there. */
export async function httpFailure(messages: AsyncIterable<RequestResponse>): Promise<string> {
  const { httpFailure: failure, info } = await failureOf(wholeAnswer(messages));
  const stage = failure === undefined ? '' : (HttpStage[failure.stage] ?? '');
  return [info?.reason, stage, failure?.code].filter((text) => text).join(' ');
}

function texts(headers: readonly HttpHeader[]): readonly string[] {
  return headers.map(({ name, value }) => `${name}: ${Buffer.from(value).toString('latin1')}`);
}

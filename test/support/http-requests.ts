import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Client } from '@grpc/grpc-js';
import { createClient } from '../../src/bridge/create-client.ts';
import type { CallOptions } from '../../src/bridge/types.ts';
import { callErrorDetails, isCallError } from '../../src/client/call-error.ts';
import {
  type HttpRequestHeadSchema,
  HttpService,
  type RequestRequestSchema,
} from '../../src/gen/runlet/v1/http_pb.ts';

/** What was answered, whole or until it failed. */
export interface Answered {
  readonly status: number;
  /** Names and values, in order. */
  readonly headers: readonly (readonly [string, string])[];
  readonly finalUrl: string;
  readonly redirectedUrls: readonly string[];
  /** What came of the body. */
  readonly body: Buffer;
  readonly trailers: readonly (readonly [string, string])[];
  /** Why it failed; undefined: it came to its end. */
  readonly reason: string | undefined;
  /** All that was said of that. */
  readonly failure: string;
}

/** Sends a request that has its body in its head, and waits for all of the answer. */
export async function sendRequest(
  connection: Client,
  head: MessageInitShape<typeof HttpRequestHeadSchema>,
  options: CallOptions = {},
): Promise<Answered> {
  async function* requests(): AsyncGenerator<MessageInitShape<typeof RequestRequestSchema>> {
    yield {
      request: { case: 'head', value: { method: 'GET', body: Buffer.alloc(0), ...head } },
    };
    yield { request: { case: 'end', value: {} } };
  }
  const texts = (fields: readonly { name: string; value: Uint8Array }[]) =>
    fields.map(({ name, value }) => [name, Buffer.from(value).toString('latin1')] as const);
  const pieces: Uint8Array[] = [];
  let answered: Omit<Answered, 'body' | 'failure' | 'reason'> = {
    status: 0,
    headers: [],
    finalUrl: '',
    redirectedUrls: [],
    trailers: [],
  };
  let reason: string | undefined;
  let failure = '';
  try {
    for await (const { response } of createClient(HttpService, connection).request(
      requests(),
      options,
    )) {
      if (response.case === 'head') {
        const { finalUrl, headers, redirectedUrls, status } = response.value;
        answered = { ...answered, status, finalUrl, redirectedUrls, headers: texts(headers) };
      }
      if (response.case === 'body') pieces.push(response.value);
      if (response.case === 'end') {
        answered = { ...answered, trailers: texts(response.value.trailers) };
      }
    }
  } catch (error) {
    if (!isCallError(error)) throw error;
    const details = callErrorDetails(error);
    reason = details.info?.reason ?? 'none';
    failure = `${error.message} ${JSON.stringify(details.info)}`;
  }
  return { ...answered, body: Buffer.concat(pieces), failure, reason };
}

import type { MessageInitShape } from '@bufbuild/protobuf';
import { RunletClientError } from '../client/client-error.ts';
import type { RemoteSession } from '../client/index.ts';
import { type NetworkCall, openCall } from '../client/network/network-call.ts';
import { assertHasNetwork } from '../client/network/network-support.ts';
import {
  type HttpRequestHeadSchema,
  type HttpResponseHead,
  Redirects,
  type RequestRequestSchema,
  type RequestResponse,
} from '../gen/runlet/v1/http_pb.ts';
import { NETWORK_PIECE_BYTES } from '../limits.ts';
import type { FetchRequest } from './fetch-request.ts';

type Head = Exclude<MessageInitShape<typeof HttpRequestHeadSchema>, { readonly $typeName: string }>;
type Part = MessageInitShape<typeof RequestRequestSchema>;
type Call = NetworkCall<Part, RequestResponse>;

/** Bytes of a body that goes with the head: nginx refuses messages of more than 1 MiB by default. */
const MAX_INLINE_BYTES = 511 * 1024;

/** What was answered. */
export interface Answer {
  readonly status: number;
  /** `1.1`, for example. */
  readonly httpVersion: string;
  /** In the order in which they came. */
  readonly headers: readonly (readonly [name: string, value: Buffer])[];
  /** Fails where the body is cut. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the exchange: the body is not wanted. */
  cancel(): void;
}

/**
 * Sends a request through a session, once, with its headers as they are. `session.fetch` is the
 * platform's, which has no order of headers, and no body of a GET.
 */
export async function exchange(
  session: RemoteSession,
  request: FetchRequest,
  signal: AbortSignal,
): Promise<Answer> {
  const { calls } = session;
  const opened = await openCall(
    calls,
    signal,
    ({ generation }, requests: AsyncIterable<Part>, options) =>
      generation.network.http.request(requests, options),
    async (call: Call, target) => {
      await assertHasNetwork('http', target);
      void send(call, { ...target.ids, ...headOf(request) }, request);
      return { call, head: await answered(call) };
    },
  );
  const { call, head } = opened;
  const abort = (): void => call.cancel(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  return {
    status: head.status,
    httpVersion: head.httpVersion,
    headers: head.headers.map(({ name, value }) => [name, Buffer.from(value)]),
    body: bodyOf(call),
    cancel: () => call.cancel(new Error('the body is not wanted')),
  };
}

function headOf(request: FetchRequest): Head {
  const { credential, decompress, follow, headers, method, url } = request;
  const body = inlineBody(request.body);
  return {
    method,
    url: url.href,
    headers: headers.map(([name, value]) => ({ name, value: Buffer.from(value) })),
    redirects: follow ? Redirects.FOLLOW : Redirects.STOP,
    decompress,
    ...(credential !== undefined && { credential }),
    ...(body !== undefined && { body }),
  };
}

/** A body that goes with the head; undefined: it does not, or there is none. */
function inlineBody(body: FetchRequest['body']): Buffer | undefined {
  return body?.kind === 'whole' && body.bytes.length <= MAX_INLINE_BYTES ? body.bytes : undefined;
}

/** Never rejects: who reads the answer is told. */
async function send(call: Call, value: Head, { body }: FetchRequest): Promise<void> {
  try {
    await call.send({ request: { case: 'head', value } });
    if (body !== undefined && inlineBody(body) === undefined) {
      const pieces = body.kind === 'whole' ? [body.bytes] : body.pieces;
      for await (const piece of pieces) {
        for (let begin = 0; begin < piece.length; begin += NETWORK_PIECE_BYTES) {
          const value = piece.subarray(begin, begin + NETWORK_PIECE_BYTES);
          // Answered in full, or failed: what is left of the body is of no use.
          if (!(await call.send({ request: { case: 'body', value } }))) return;
        }
      }
    }
    await call.send({ request: { case: 'end', value: {} } });
    call.sent();
  } catch (error) {
    call.cancel(error as Error);
  }
}

async function answered(call: Call): Promise<HttpResponseHead> {
  for (;;) {
    const message = await call.next();
    if (message?.response.case === 'head') return message.response.value;
    if (message === undefined || message.response.case !== undefined) {
      throw new RunletClientError('PROTOCOL', 'the server gave an answer without its head');
    }
  }
}

async function* bodyOf(call: Call): AsyncGenerator<Uint8Array> {
  let isWhole = false;
  try {
    for (;;) {
      const message = await call.next();
      if (message === undefined) {
        throw new RunletClientError('PROTOCOL', 'a body ended without its end');
      }
      if (message.response.case === 'body') yield message.response.value;
      if (message.response.case !== 'end') continue;
      isWhole = true;
      return;
    }
  } finally {
    if (!isWhole) call.cancel(new Error('the body is not wanted'));
  }
}

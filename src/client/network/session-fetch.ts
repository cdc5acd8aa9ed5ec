import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  HttpResponseHead,
  RequestRequestSchema,
  RequestResponse,
} from '../../gen/runlet/v1/http_pb.ts';
import { RunletClientError } from '../client-error.ts';
import type { SessionCalls } from '../session-calls.ts';
import type { FetchInit } from './fetch-options.ts';
import { type FetchRequest, fetchRequest } from './fetch-request.ts';
import { fetchResponse } from './fetch-response.ts';
import { type NetworkCall, openCall } from './network-call.ts';
import { assertHasNetwork } from './network-support.ts';

type Part = MessageInitShape<typeof RequestRequestSchema>;
type HttpCall = NetworkCall<Part, RequestResponse>;

/** What is an answer only where redirects are. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * The platform's `fetch`, of the server's machine. What fails is a `TypeError` as there, whose
 * `cause` says what it was. Nothing is ever sent twice.
 *
 * @throws TypeError whose cause is an HttpError, RemoteError, SessionLostError, ConnectionError;
 *   OptionError; the reason of the signal
 *
 * @internal
 */
export async function sessionFetch(
  calls: SessionCalls,
  input: string | URL | Request,
  init: FetchInit = {},
): Promise<Response> {
  const request = await fetchRequest(input, init);
  const { signal } = request;
  try {
    const { call, head } = await exchange(calls, request);
    if (request.redirect === 'error' && REDIRECTS.has(head.status)) {
      const error = new Error('unexpected redirect');
      call.cancel(error);
      throw error;
    }
    const { method = 'GET' } = request.head;
    return fetchResponse(call, { head, method, signal, hold: () => calls.hold() });
  } catch (error) {
    if (request.body?.kind === 'stream') request.body.leave();
    signal?.throwIfAborted();
    throw new TypeError('fetch failed', { cause: error });
  }
}

/** Sends a request, and gives its answer as soon as that begins: the request may still be sent. */
function exchange(
  calls: SessionCalls,
  request: FetchRequest,
): Promise<{ readonly call: HttpCall; readonly head: HttpResponseHead }> {
  return openCall(
    calls,
    request.signal,
    ({ generation }, requests: AsyncIterable<Part>, options) =>
      generation.network.http.request(requests, options),
    async (call, target) => {
      await assertHasNetwork('http', target);
      const head = { ...target.ids, ...request.head };
      void send(calls, call, { ...request, head });
      return { call, head: await headOf(call) };
    },
  );
}

async function send(calls: SessionCalls, call: HttpCall, request: FetchRequest): Promise<void> {
  const release = calls.hold();
  try {
    await call.send({ request: { case: 'head', value: request.head } });
    if (request.body?.kind === 'stream') {
      // Answered in full, or failed: what the body has not yet given is of no use either.
      call.whenOver(request.body.leave);
      for await (const value of request.body.pieces) {
        // The same of what it has given.
        if (!(await call.send({ request: { case: 'body', value } }))) return;
      }
    }
    await call.send({ request: { case: 'end', value: {} } });
    call.sent();
  } catch (error) {
    call.cancel(error instanceof Error ? error : new Error(String(error)));
  } finally {
    release();
  }
}

async function headOf(call: HttpCall): Promise<HttpResponseHead> {
  for (;;) {
    const message = await call.next();
    if (message?.response.case === 'head') return message.response.value;
    if (message === undefined || message.response.case !== undefined) {
      throw new RunletClientError('PROTOCOL', 'the server gave an answer without its head');
    }
  }
}

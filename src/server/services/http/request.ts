import type { CallContext } from '../../../bridge/call-context.ts';
import type { Response } from '../../../bridge/types.ts';
import { invalidField } from '../../../errors.ts';
import type { RequestRequest, RequestResponseSchema } from '../../../gen/runlet/v1/http_pb.ts';
import type { HttpExchanges } from '../../../network/http/http-exchanges.ts';
import type { HttpExchangeRequest } from '../../../network/http/http-message.ts';
import { NETWORK_TARGET } from '../../audit-calls.ts';
import { callerOf } from '../../caller.ts';
import { withHeartbeats } from '../../heartbeats.ts';
import { enterSession } from '../enter-session.ts';
import type { HttpMethods, HttpServiceOptions } from './http-service.ts';
import { parseHead } from './parse-head.ts';
import { responseMessage } from './response-message.ts';

/** `Request`. */
export function request(
  options: HttpServiceOptions,
  exchanges: HttpExchanges,
): HttpMethods<'request'> {
  const { clock, limits } = options;
  return {
    async *request(requests, context) {
      context.sendHeaders();
      const incoming = requests[Symbol.asyncIterator]();
      const source = answer(options, exchanges, incoming, context);
      yield* withHeartbeats(source, {}, limits.heartbeatMs, clock);
    },
  };
}

async function* answer(
  { credentials, sessions }: HttpServiceOptions,
  exchanges: HttpExchanges,
  incoming: AsyncIterator<RequestRequest>,
  context: CallContext,
): AsyncGenerator<Response<typeof RequestResponseSchema>> {
  const first = await incoming.next();
  const head = first.done ? undefined : first.value.request;
  if (head?.case !== 'head') throw invalidField('head', 'must come first');
  const session = enterSession(sessions, head.value, context);
  context.defer(session.whenOver((why) => context.fail(why)));
  const parsed = parseHead(head.value);
  context.set(NETWORK_TARGET, `${parsed.method} ${parsed.url.origin}`);
  const asked: HttpExchangeRequest = {
    ...parsed,
    credentials,
    pieces: pieces(incoming, parsed.body !== undefined, context),
  };
  const caller = {
    asker: { principal: callerOf(context).name, asker: session },
    session,
    signal: context.signal,
    fail: (error: unknown) => context.fail(error),
  };
  for await (const message of exchanges.exchange(asked, caller)) yield responseMessage(message);
}

/** The body that the client sends, which is whole only where it says so. */
async function* pieces(
  incoming: AsyncIterator<RequestRequest>,
  hasBody: boolean,
  context: CallContext,
): AsyncGenerator<Uint8Array, void> {
  for (;;) {
    const next = await incoming.next();
    if (next.done) throw invalidField('end', 'must come before the stream ends');
    const { request: part } = next.value;
    switch (part.case) {
      case 'end':
        void nothingMore(incoming, context);
        return;
      case 'body':
        if (hasBody) throw invalidField('body', 'must not come where head has a body');
        yield part.value;
        break;
      case 'head':
        throw invalidField('head', 'must come first, and only then');
      default:
        throw invalidField('request', 'is required');
    }
  }
}

/** After the end nothing may come. */
async function nothingMore(
  incoming: AsyncIterator<RequestRequest>,
  context: CallContext,
): Promise<void> {
  try {
    const next = await incoming.next();
    if (!next.done) context.fail(invalidField('end', 'must come last'));
  } catch {
    // The call is over.
  }
}

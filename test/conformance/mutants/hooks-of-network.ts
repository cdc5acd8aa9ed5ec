import type { CallContext } from '../../../src/bridge/call-context.ts';
import type {
  HttpRequestHead,
  HttpResponseHead,
  RequestRequest,
  RequestResponse,
} from '../../../src/gen/runlet/v1/http_pb.ts';
import type {
  ConnectRequest,
  ConnectResponse,
  TunnelOpen,
} from '../../../src/gen/runlet/v1/tunnel_pb.ts';
import { onRequests, onResponses } from './hooks.ts';
import type { Services } from './services.ts';

/* The places at which a fault of the network can be put in, beside those of hooks.ts. */

/** What becomes of the messages of one call; what is left out stays as it is. */
export interface Fault<I, O> {
  request?(message: I): readonly I[];
  response?(message: O): readonly O[];
}

/** Changes where connections lead. */
export function onOpens(real: Services, change: (open: TunnelOpen) => void): Services {
  return onRequests(real, ['connect'], ({ request }) => {
    if (request.case === 'open') change(request.value);
  });
}

/** Changes what is told of connections that end. */
export function onConnectResponses(
  real: Services,
  change: (response: ConnectResponse['response']) => void,
): Services {
  return onResponses(real, ['connect'], ({ response }) => change(response));
}

/** Puts a fault into each connection, by what it is opened with. */
export function onConnects(
  real: Services,
  fault: (open: TunnelOpen) => Fault<ConnectRequest, ConnectResponse>,
): Services {
  return {
    ...real,
    connect: (requests, context) =>
      faulty(requests, context, real.connect, ({ request }) =>
        request.case === 'open' ? fault(request.value) : {},
      ),
  };
}

/** Puts a fault into each HTTP request, by its head. */
export function onExchanges(
  real: Services,
  fault: (head: HttpRequestHead) => Fault<RequestRequest, RequestResponse>,
): Services {
  return {
    ...real,
    request: (requests, context) =>
      faulty(requests, context, real.request, ({ request }) =>
        request.case === 'head' ? fault(request.value) : {},
      ),
  };
}

async function* faulty<I, O>(
  requests: AsyncIterable<I>,
  context: CallContext,
  forward: (requests: AsyncIterable<I>, context: CallContext) => AsyncIterable<O>,
  faultOf: (first: I) => Fault<I, O>,
): AsyncGenerator<O> {
  let fault: Fault<I, O> | undefined;
  async function* changed(): AsyncGenerator<I> {
    for await (const message of requests) {
      fault ??= faultOf(message);
      yield* fault.request?.(message) ?? [message];
    }
  }
  for await (const message of forward(changed(), context)) {
    yield* fault?.response?.(message) ?? [message];
  }
}

/** Changes the heads of HTTP requests. */
export function onHeads(real: Services, change: (head: HttpRequestHead) => void): Services {
  return onRequests(real, ['request'], ({ request }) => {
    if (request.case === 'head') change(request.value);
  });
}

/** Changes the heads of HTTP answers. */
export function onAnswers(real: Services, change: (head: HttpResponseHead) => void): Services {
  return onResponses(real, ['request'], ({ response }) => {
    if (response.case === 'head') change(response.value);
  });
}

/** The messages of a call that goes on when nobody waits for it any more. */
export async function* kept<T>(messages: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = messages[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await iterator.next();
    if (done === true) return;
    yield value;
  }
}

/** The same call, which nobody cancels. */
export function uncancelled(context: CallContext): CallContext {
  const { deadline } = context;
  const { signal } = new AbortController();
  return { ...context, deadline, signal, header: (name) => context.header(name) };
}

/** Header values that can be compared. */
export function textOf(value: Uint8Array): string {
  return Buffer.from(value).toString('latin1');
}

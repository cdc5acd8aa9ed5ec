import type { ReadableByteStreamController, UnderlyingByteSource } from 'node:stream/web';
import type { HttpResponseHead, RequestResponse } from '../../gen/runlet/v1/http_pb.ts';
import { RunletClientError } from '../client-error.ts';
import type { NetworkCall } from './network-call.ts';

/** What an answer is read from. @internal */
export type ResponseCall = Pick<
  NetworkCall<never, RequestResponse>,
  'next' | 'cancel' | 'onBroken'
>;

/** How an answer is read. @internal */
export interface ResponseOptions {
  readonly head: HttpResponseHead;
  readonly method: string;
  readonly signal: AbortSignal | undefined;
  /** Keeps the program from ending until what it gives is called. */
  readonly hold: () => () => void;
}

/** Statuses whose answers have no body. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/** The highest that `Response` can be made with. */
const MAX_STATUS = 599;

/** Ends what nobody can read any more. */
const UNREAD = new FinalizationRegistry<ResponseCall>((call) =>
  call.cancel(new Error('nobody reads it')),
);

/** An answer, whose body is read from the call as it is read here. @internal */
export function fetchResponse(call: ResponseCall, options: ResponseOptions): Response {
  const { head, method } = options;
  const isBodiless = method === 'HEAD' || BODILESS.has(head.status);
  const headers = new Headers();
  for (const { name, value } of head.headers) {
    headers.append(name, Buffer.from(value).toString('latin1'));
  }
  const status = Math.min(head.status, MAX_STATUS);
  const body = isBodiless ? null : bodyOf(call, options);
  if (isBodiless) void leave(call);
  const url = head.finalUrl.replace(/#.*/s, '');
  const isRedirected = head.redirectedUrls.length > 0;
  return told(new Response(body, { status, headers }), { url, isRedirected, status: head.status });
}

/** What a program cannot say of a `Response` that it makes. */
interface ResponseFacts {
  readonly url: string;
  readonly isRedirected: boolean;
  readonly status: number;
}

function told(response: Response, facts: ResponseFacts): Response {
  const clone = response.clone.bind(response);
  const values = {
    url: facts.url,
    redirected: facts.isRedirected,
    status: facts.status,
    type: 'basic',
  };
  for (const [name, value] of Object.entries(values))
    Object.defineProperty(response, name, { value });
  Object.defineProperty(response, 'clone', { value: () => told(clone(), facts) });
  return response;
}

/** Reads what has no body to its end, so that the connection can be used again. */
async function leave(call: ResponseCall): Promise<void> {
  try {
    for (;;) {
      const message = await call.next();
      if (message === undefined) return;
      if (message.response.case === 'body') throw new Error('it has a body');
    }
  } catch {
    call.cancel(new Error('nobody reads it'));
  }
}

function bodyOf(call: ResponseCall, { hold, signal }: ResponseOptions): ReadableStream<Uint8Array> {
  let forget = (): void => {};
  const source: UnderlyingByteSource = {
    type: 'bytes',
    start(controller) {
      // What lives long must not keep a body that nobody can read.
      const weak = new WeakRef(controller);
      const fail = (error: unknown): void => fails(weak.deref(), error);
      call.onBroken((error) => fail(terminated(error)));
      const abort = (): void => {
        call.cancel(reasonOf(signal));
        fail(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
      forget = () => signal?.removeEventListener('abort', abort);
      if (signal?.aborted) abort();
    },
    async pull(controller) {
      const release = hold();
      try {
        const data = await nextData(call);
        if (data !== undefined) {
          // The stream takes the memory, of which the message has a part.
          controller.enqueue(new Uint8Array(data));
          return;
        }
        UNREAD.unregister(call);
        forget();
        controller.close();
        controller.byobRequest?.respond(0);
        void leave(call);
      } catch (error) {
        UNREAD.unregister(call);
        forget();
        fails(controller, signal?.aborted ? signal.reason : terminated(error));
      } finally {
        release();
      }
    },
    cancel(reason) {
      UNREAD.unregister(call);
      forget();
      call.cancel(reason instanceof Error ? reason : new Error('the body was cancelled'));
    },
  };
  const stream: ReadableStream<Uint8Array> = new ReadableStream(source);
  UNREAD.register(stream, call, call);
  return stream;
}

/** The next bytes of a body; undefined: it is whole. */
async function nextData(call: ResponseCall): Promise<Uint8Array | undefined> {
  for (;;) {
    const message = await call.next();
    if (message === undefined)
      throw new RunletClientError('PROTOCOL', 'a body ended without its end');
    const { response } = message;
    if (response.case === 'body' && response.value.byteLength > 0) return response.value;
    if (response.case === 'head') throw new RunletClientError('PROTOCOL', 'an answer came twice');
    if (response.case !== 'end') continue;
    if (!response.value.truncated) return undefined;
    throw new RunletClientError('BODY_TOO_LARGE', 'the body has more bytes than maxBodyBytes');
  }
}

function fails(controller: ReadableByteStreamController | undefined, error: unknown): void {
  try {
    controller?.error(error);
  } catch {
    // It is over already.
  }
}

function reasonOf(signal: AbortSignal | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new Error('it was aborted');
}

/** What the platform's `fetch` fails a body with. */
function terminated(cause: unknown): TypeError {
  return new TypeError('terminated', { cause });
}

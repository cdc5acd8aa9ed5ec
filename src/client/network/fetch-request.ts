import type { MessageInitShape } from '@bufbuild/protobuf';
import { type HttpRequestHeadSchema, Redirects } from '../../gen/runlet/v1/http_pb.ts';
import { duration } from '../numbers.ts';
import { type FetchInit, fetchOptions } from './fetch-options.ts';
import { bodyLength, type RequestBody, requestBody } from './request-body.ts';

/** A request that can be sent. @internal */
export interface FetchRequest {
  readonly head: MessageInitShape<typeof HttpRequestHeadSchema>;
  /** Undefined: it has none. */
  readonly body: RequestBody | undefined;
  readonly signal: AbortSignal | undefined;
  readonly redirect: Request['redirect'];
}

/** Those of the connection, which `fetch` lets no program say anything of. */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What is said where a program does not. */
const DEFAULT_HEADERS = [
  ['accept', '*/*'],
  ['user-agent', 'runlet'],
] as const;

/** What the server can undo. */
const ENCODINGS = 'gzip, deflate, br';

/**
 * What is to be sent, of what `fetch` is called with.
 *
 * @throws TypeError as `fetch` does; OptionError
 *
 * @internal
 */
export async function fetchRequest(
  input: string | URL | Request,
  init: FetchInit,
): Promise<FetchRequest> {
  const options = fetchOptions(init);
  const { body: given, signal: wanted, ...rest } = init;
  const signal = wanted === undefined && input instanceof Request ? input.signal : wanted;
  signal?.throwIfAborted();
  // The signal is left to us: a request would stay known to one that lives long.
  const request = new Request(input, { ...rest, ...bodyInit(given), signal: null });
  const length = given == null ? undefined : await bodyLength(given);
  const body = request.body === null ? undefined : await requestBody(request.body, length);
  const decompress = options.decompress ?? true;
  const { connectTimeoutMs, credential, headerTimeoutMs, idleTimeoutMs, maxBodyBytes, timeoutMs } =
    options;
  return {
    body,
    signal: signal ?? undefined,
    redirect: request.redirect,
    head: {
      method: request.method,
      url: request.url,
      headers: headersOf(request, {
        decompress,
        length: body?.kind === 'stream' ? length : undefined,
      }),
      redirects: request.redirect === 'follow' ? Redirects.FOLLOW : Redirects.STOP,
      decompress,
      ...(body?.kind === 'inline' && { body: body.bytes }),
      ...(credential !== undefined && { credential }),
      ...(maxBodyBytes !== undefined && { maxBodyBytes: BigInt(maxBodyBytes) }),
      ...(connectTimeoutMs !== undefined && {
        connectTimeout: duration('connectTimeoutMs', connectTimeoutMs),
      }),
      ...(headerTimeoutMs !== undefined && {
        headerTimeout: duration('headerTimeoutMs', headerTimeoutMs),
      }),
      ...(idleTimeoutMs !== undefined && { idleTimeout: duration('idleTimeoutMs', idleTimeoutMs) }),
      ...(timeoutMs !== undefined && { timeout: duration('timeoutMs', timeoutMs) }),
    },
  };
}

/** A body as the platform takes it: of what is none of its kinds it takes each piece for bytes. */
function bodyInit(body: RequestInit['body']): Pick<RequestInit, 'body' | 'duplex'> {
  if (body === undefined) return {};
  const isPieces =
    typeof body === 'object' &&
    body !== null &&
    Symbol.asyncIterator in body &&
    !(body instanceof ReadableStream);
  return { body: isPieces ? ReadableStream.from(body) : body, duplex: 'half' };
}

function headersOf(
  request: Request,
  { decompress, length }: { readonly decompress: boolean; readonly length: number | undefined },
): { readonly name: string; readonly value: Uint8Array }[] {
  const headers = new Headers(request.headers);
  for (const name of OF_CONNECTION) headers.delete(name);
  for (const [name, value] of DEFAULT_HEADERS) {
    if (!headers.has(name)) headers.set(name, value);
  }
  if (decompress && !headers.has('accept-encoding') && !headers.has('range')) {
    headers.set('accept-encoding', ENCODINGS);
  }
  if (length !== undefined) headers.set('content-length', String(length));
  return [...headers].map(([name, value]) => ({ name, value: Buffer.from(value, 'latin1') }));
}

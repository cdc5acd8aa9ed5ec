import { invalidField } from '../../../errors.ts';
import {
  type HttpHeader,
  type HttpRequestHead,
  Redirects,
} from '../../../gen/runlet/v1/http_pb.ts';
import { CONNECT_TIMEOUT_MS, MAX_HTTP_HEADER_BYTES } from '../../../limits.ts';
import type { HttpExchangeRequest, HttpField } from '../../../network/http/http-message.ts';
import { parseDuration, parseEnum, parseUint64 } from '../../requests/fields.ts';

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Those of the connection itself. */
const OF_CONNECTION = new Set([
  'connection',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'keep-alive',
  'proxy-connection',
  'http2-settings',
  'expect',
]);

/** Those that may be there but once. */
const SINGLE = new Set(['host', 'content-length']);

const FOLLOWS = {
  [Redirects.UNSPECIFIED]: true,
  [Redirects.FOLLOW]: true,
  [Redirects.STOP]: false,
} as const;

/** What a head asks for, without what comes from elsewhere. */
export type ParsedHead = Omit<HttpExchangeRequest, 'pieces' | 'credentials'>;

/** @throws RunletError `INVALID_REQUEST` */
export function parseHead(head: HttpRequestHead): ParsedHead {
  const body = head.body;
  const fields = parseHeaders(head.headers, body);
  return {
    method: parseMethod(head.method),
    url: parseUrl(head.url),
    fields,
    body,
    follows: parseEnum('head.redirects', head.redirects, FOLLOWS),
    connectTimeoutMs: parseTime('head.connect_timeout', head.connectTimeout) ?? CONNECT_TIMEOUT_MS,
    headerTimeoutMs: parseTime('head.header_timeout', head.headerTimeout),
    idleTimeoutMs: parseTime('head.idle_timeout', head.idleTimeout),
    timeoutMs: parseTime('head.timeout', head.timeout),
    maxBodyBytes:
      head.maxBodyBytes === undefined
        ? undefined
        : parseUint64('head.max_body_bytes', head.maxBodyBytes),
    credential: head.credential,
    decompresses: head.decompress,
  };
}

function parseMethod(method: string): string {
  if (!TOKEN.test(method)) throw invalidField('head.method', 'must be a token');
  if (method.toUpperCase() === 'CONNECT') {
    throw invalidField('head.method', 'must not be CONNECT, which is TunnelService');
  }
  return method;
}

function parseUrl(text: string): URL {
  const field = 'head.url';
  if (text === '') throw invalidField(field, 'is required');
  if (text.length > MAX_HTTP_HEADER_BYTES) throw invalidField(field, 'is too long');
  if (!URL.canParse(text)) throw invalidField(field, 'must be an absolute URL');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw invalidField(field, 'must have the scheme http or https');
  }
  if (url.username !== '' || url.password !== '') {
    throw invalidField(field, 'must not have a user or a password');
  }
  if (url.hostname === '' || url.port === '0') throw invalidField(field, 'must lead to a host');
  return url;
}

function parseTime(field: string, value: Parameters<typeof parseDuration>[1]): number | undefined {
  const ms = parseDuration(field, value);
  if (ms !== undefined && ms <= 0) throw invalidField(field, 'must be positive');
  return ms;
}

function parseHeaders(
  headers: readonly HttpHeader[],
  body: Uint8Array | undefined,
): readonly HttpField[] {
  const seen = new Set<string>();
  let bytes = 0;
  const fields = headers.map(({ name, value }, at) => {
    const field = `head.headers[${at}]`;
    const lower = name.toLowerCase();
    if (!TOKEN.test(name)) throw invalidField(`${field}.name`, 'must be a token');
    if (OF_CONNECTION.has(lower)) {
      throw invalidField(`${field}.name`, 'must not be one of the connection itself');
    }
    if (SINGLE.has(lower) && seen.has(lower)) {
      throw invalidField(`${field}.name`, `must be there once where it is ${lower}`);
    }
    seen.add(lower);
    if (value.some(isControl)) {
      throw invalidField(`${field}.value`, 'must not have control characters');
    }
    bytes += name.length + value.length;
    if (bytes > MAX_HTTP_HEADER_BYTES) {
      throw invalidField('head.headers', `must be at most ${MAX_HTTP_HEADER_BYTES} bytes`);
    }
    const kept = { name, value: Buffer.from(value) };
    assertSingle(`${field}.value`, lower, kept.value.toString('latin1'), body);
    return kept;
  });
  return fields;
}

function assertSingle(
  field: string,
  name: string,
  value: string,
  body: Uint8Array | undefined,
): void {
  if (name === 'host' && !/^[\x21-\x7e]+$/.test(value)) {
    throw invalidField(field, 'must be a host');
  }
  if (name !== 'content-length') return;
  if (!/^\d{1,15}$/.test(value)) throw invalidField(field, 'must be a number of bytes');
  if (body !== undefined && Number(value) !== body.length) {
    throw invalidField(field, 'must be that of the body');
  }
}

function isControl(byte: number): boolean {
  return (byte < 0x20 && byte !== 0x09) || byte === 0x7f;
}

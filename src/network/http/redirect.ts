import { MAX_REDIRECTS } from '../../limits.ts';
import { httpFailed } from './http-failure.ts';
import type { HttpField } from './http-message.ts';

/** What is asked at one place. */
export interface Hop {
  readonly method: string;
  readonly url: URL;
  readonly fields: readonly HttpField[];
  /** What is done with the body of the request. */
  readonly sendsBody: boolean;
}

/** What was asked, and how it was answered. */
export interface Redirected {
  readonly hop: Hop;
  readonly status: number;
  readonly fields: readonly HttpField[];
  /** Those asked before, without the hop's. */
  readonly asked: readonly Hop[];
  /** Whether the body was streamed, so that it cannot be sent again. */
  readonly streamed: boolean;
}

const STATUSES = new Set([301, 302, 303, 307, 308]);

/** For the first origin alone. */
const OF_ORIGIN = new Set(['authorization', 'cookie', 'proxy-authorization', 'host']);

/** Those of a body, which go with it. */
const OF_BODY = new Set([
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-type',
]);

/** Whether an answer leads elsewhere. */
export function isRedirect(status: number, fields: readonly HttpField[]): boolean {
  return STATUSES.has(status) && fields.some(({ name }) => name === 'location');
}

/**
 * What an answer leads to.
 *
 * @throws RunletError `HTTP_FAILED` at `REDIRECT`
 */
export function nextHop({ asked, fields, hop, status, streamed }: Redirected): Hop {
  const fail = (code: string, message: string): Error =>
    httpFailed('REDIRECT', code, message, hop.url);
  const location = fields.find(({ name }) => name === 'location')?.value.toString() ?? '';
  if (!URL.canParse(location, hop.url.href)) throw fail('INVALID_RESPONSE', 'it leads to no URL');
  const url = plainUrl(new URL(location, hop.url));
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw fail('SCHEME', 'it leads to another scheme than http and https');
  }
  if (url.hostname === '' || url.port === '0') throw fail('INVALID_RESPONSE', 'it leads nowhere');
  const method = nextMethod(hop.method, status);
  const sendsBody = hop.sendsBody && method === hop.method;
  if (sendsBody && streamed) {
    throw fail('STREAMED_BODY', 'what was streamed cannot be sent again');
  }
  const isSame = (before: Hop): boolean => before.method === method && before.url.href === url.href;
  if (isSame(hop) || asked.some(isSame)) throw fail('LOOP', 'it leads to where it came from');
  if (asked.length >= MAX_REDIRECTS) throw fail('TOO_MANY', 'it leads elsewhere too often');
  const kept = hop.fields.filter(({ name }) => {
    const lower = name.toLowerCase();
    if (url.origin !== hop.url.origin && OF_ORIGIN.has(lower)) return false;
    return sendsBody || method === hop.method || !OF_BODY.has(lower);
  });
  return { method, url, fields: kept, sendsBody };
}

/** A URL without what is never sent. */
export function plainUrl(url: URL): URL {
  const plain = new URL(url);
  plain.hash = '';
  if (plain.username !== '') plain.username = '';
  if (plain.password !== '') plain.password = '';
  return plain;
}

function nextMethod(method: string, status: number): string {
  if (status === 303) return method === 'HEAD' ? 'HEAD' : 'GET';
  return method === 'POST' && (status === 301 || status === 302) ? 'GET' : method;
}

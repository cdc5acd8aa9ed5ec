import { type HttpStage, RunletError } from '../../errors.ts';
import type { DialError } from '../dial-error.ts';
import { type DialTarget, targetText } from '../dial-target.ts';

/** Where a URL leads: its host, an IPv6 address without brackets, and port. */
export function targetOf({ hostname, port, protocol }: URL): DialTarget {
  const defaultPort = protocol === 'https:' ? 443 : 80;
  return {
    host: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    port: port === '' ? defaultPort : Number(port),
  };
}

/** A request that has no whole answer. Neither paths nor headers are told. */
export function httpFailed(
  stage: Exclude<HttpStage, 'DENIED'>,
  code: string,
  message: string,
  url: URL,
  cause?: unknown,
): RunletError {
  const target = targetText(targetOf(url));
  return new RunletError('HTTP_FAILED', {
    message: `${target}: ${message}`,
    httpFailure: { stage, code, message, target },
    cause,
  });
}

/** A request that may not be sent. `rule` is for the operator alone. */
export function httpDenied(message: string, url: URL, rule: string): RunletError {
  const target = targetText(targetOf(url));
  return new RunletError('EGRESS_DENIED', {
    message,
    httpFailure: { stage: 'DENIED', code: '', message, target },
    cause: rule,
  });
}

/** What is told of a connection that could not be made. */
export function dialFailed(error: DialError, url: URL): RunletError {
  const { errnoName, message, rule, stage } = error.failure;
  switch (stage) {
    case 'DENIED':
      return httpDenied(message, url, rule);
    case 'RESOLVE':
      return httpFailed('DNS', errnoName, message, url, error);
    case 'CONNECT':
      return httpFailed('CONNECT', errnoName, message, url, error);
    case 'TIMEOUT':
      return connectTimedOut(url);
  }
}

/** A connection that took too long. */
export function connectTimedOut(url: URL): RunletError {
  return httpFailed('TIMEOUT', 'CONNECT', 'there was no connection in time', url);
}

/**
 * What exactly failed on a connection, as the protos list it: the system's or OpenSSL's name, or
 * what is wrong with what was received.
 */
export function failureCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'HPE_HEADER_OVERFLOW') return 'HEADER_OVERFLOW';
  if (code.startsWith('HPE_')) return 'INVALID_RESPONSE';
  // What Node.js calls so where there was no such error: the other side ended the connection.
  if (code === 'ECONNRESET' && !(error instanceof Error && 'syscall' in error)) return 'CLOSED';
  // Node.js has names of its own where nobody else has one.
  return code === '' || (code.startsWith('ERR_') && !OF_TLS.test(code)) ? 'CLOSED' : code;
}

/** How Node.js writes what OpenSSL says, and what it finds out about a certificate itself. */
const OF_TLS = /^ERR_(SSL|OSSL|TLS)_/;

import { status } from '@grpc/grpc-js';
import { ERROR_DOMAIN, type Reason } from '../errors.ts';
import { callErrorDetails, isCallError } from './call-error.ts';
import { ConnectionError, RemoteError } from './errors.ts';
import { remoteError } from './refusal.ts';

/**
 * What the failure of a call means: the server, or a proxy, refused; it refused the credentials;
 * no connection can ever be had; or the call did not come through. `ambiguous`: it may also be
 * the server's fault, so that it should not be tried for ever.
 */
export type CallFailure =
  | { readonly kind: 'refused'; readonly error: RemoteError }
  | { readonly kind: 'credentials'; readonly error: RemoteError }
  | { readonly kind: 'unreachable'; readonly error: ConnectionError }
  | { readonly kind: 'connection'; readonly error: Error; readonly ambiguous: boolean };

/** Codes that grpc-js and proxies give where no answer came; without a reason of the server's. */
const CONNECTION_CODES: ReadonlySet<number> = new Set([
  status.UNAVAILABLE,
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
]);

/** The same, but programs that fail give them too. */
const AMBIGUOUS_CODES: ReadonlySet<number> = new Set([status.UNKNOWN, status.INTERNAL]);

/** How grpc-js tells the status of an answer that is none of gRPC, as a proxy gives it. */
const HTTP_STATUS = /^Received HTTP status code (\d{3})/;

/** Those of 4xx after which it is worth to try again: a timeout, too early, too many. */
const PASSING_HTTP_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * What a proxy answers to a start with a large command line or environment, the one message
 * that can be larger than some hundred KiB.
 */
const TOO_LARGE = 413;

/** How OpenSSL and Node.js call it that a certificate is refused, by this side or the other. */
const BAD_CERTIFICATE = /\bcertificate\b|CERT_|ERR_TLS_CERT/i;

/** Tells what a call failed of. What is no failure of a call is thrown. */
export function callFailure(error: unknown): CallFailure {
  if (error instanceof ConnectionError) return { kind: 'connection', error, ambiguous: false };
  if (error instanceof RemoteError) return { kind: 'refused', error };
  if (!isCallError(error)) throw error;
  // A proxy on the way may say why in words of its own.
  const { info } = callErrorDetails(error);
  const said = info?.domain === ERROR_DOMAIN;
  // What is not granted is no reason to give up what is.
  if (said && info.reason === ('UNAUTHENTICATED' satisfies Reason)) {
    return { kind: 'credentials', error: remoteError(error) };
  }
  if (!said) {
    const httpStatus = Number(HTTP_STATUS.exec(error.details)?.[1] ?? 0);
    const wrong = httpStatus >= 400 && httpStatus < 500 && !PASSING_HTTP_STATUSES.has(httpStatus);
    if (error.code === status.UNAVAILABLE && BAD_CERTIFICATE.test(error.details)) {
      const message = `the connection is refused: ${error.details}`;
      return { kind: 'unreachable', error: new ConnectionError(message, false, error) };
    }
    if (wrong && AMBIGUOUS_CODES.has(error.code)) {
      const message =
        httpStatus === TOO_LARGE
          ? `a proxy on the way takes no request of this size: ${error.details}`
          : error.details;
      return { kind: 'refused', error: remoteError(error, message) };
    }
    if (CONNECTION_CODES.has(error.code)) return { kind: 'connection', error, ambiguous: false };
    if (AMBIGUOUS_CODES.has(error.code)) return { kind: 'connection', error, ambiguous: true };
    if (error.code === status.UNAUTHENTICATED || error.code === status.PERMISSION_DENIED) {
      return { kind: 'credentials', error: remoteError(error) };
    }
  }
  return { kind: 'refused', error: remoteError(error) };
}

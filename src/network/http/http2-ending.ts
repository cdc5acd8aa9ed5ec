import { InvalidAnswer } from './invalid-answer.ts';

/** The codes of RFC 9113, section 7, by their numbers; those without a name say that it ended. */
const NAMES: readonly (string | undefined)[] = [
  // NO_ERROR, and CANCEL below, which is also what Node.js has for a connection that ended.
  undefined,
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  undefined,
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
];

/** What numbers that are not in that list are to be taken for: section 5.4. */
const UNKNOWN = 'INTERNAL_ERROR';

/** nghttp2's number for headers in more frames than it takes. */
const TOO_MANY_CONTINUATIONS = -905;

/**
 * Why a stream of HTTP/2 ended before it was whole: a code of its own where one side ended the
 * stream or the connection with one.
 *
 * @param rstCode the number with which the stream ended, as Node.js has it
 * @param failure the error with which it ended; undefined: there was none
 */
export function http2Ending(rstCode: number, failure: Error | undefined): Error {
  const code = failure !== undefined && 'code' in failure ? failure.code : undefined;
  switch (code) {
    // What came is no HTTP/2.
    case 'ERR_HTTP2_ERROR':
      return new InvalidAnswer(isTooLong(failure) ? 'HEADER_OVERFLOW' : 'INVALID_RESPONSE');
    case undefined:
    case 'ERR_HTTP2_STREAM_ERROR':
    case 'ERR_HTTP2_SESSION_ERROR':
      return new InvalidAnswer(rstCode in NAMES ? (NAMES[rstCode] ?? 'CLOSED') : UNKNOWN);
    // Of the system, or found by who read it.
    default:
      return failure ?? new InvalidAnswer('CLOSED');
  }
}

function isTooLong(failure: Error | undefined): boolean {
  return failure !== undefined && 'errno' in failure && failure.errno === TOO_MANY_CONTINUATIONS;
}

import { describe, expect, it } from 'vitest';
import { failureCode } from '../../../src/network/http/http-failure.ts';
import { InvalidAnswer } from '../../../src/network/http/invalid-answer.ts';

/** An error as Node.js has it. */
function coded(code: string, more: object = {}): Error {
  return Object.assign(new Error(code), { code, ...more });
}

describe('the code of what fails', () => {
  it.each<[string, unknown, string]>([
    ['of the system', coded('EPIPE', { syscall: 'write' }), 'EPIPE'],
    ['a reset', coded('ECONNRESET', { syscall: 'read' }), 'ECONNRESET'],
    ['what Node.js calls a reset, and is none', coded('ECONNRESET'), 'CLOSED'],
    ['of a certificate', coded('CERT_HAS_EXPIRED'), 'CERT_HAS_EXPIRED'],
    ['of its names', coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['of TLS', coded('ERR_SSL_WRONG_VERSION_NUMBER'), 'ERR_SSL_WRONG_VERSION_NUMBER'],
    ['of the parser', coded('HPE_INVALID_CONSTANT'), 'INVALID_RESPONSE'],
    ['of the parser, of what is long', coded('HPE_HEADER_OVERFLOW'), 'HEADER_OVERFLOW'],
    ['of a stream of Node.js', coded('ERR_STREAM_PREMATURE_CLOSE'), 'CLOSED'],
    ['of HTTP/2 in Node.js', coded('ERR_HTTP2_STREAM_CANCEL'), 'CLOSED'],
    ['of what was read', new InvalidAnswer('REFUSED_STREAM'), 'REFUSED_STREAM'],
    ['without one', new Error('it failed'), 'CLOSED'],
    ['that is no error', 'text', 'CLOSED'],
  ])('is one that the protos list: %s', (_what, error, code) => {
    expect(failureCode(error)).toBe(code);
  });
});

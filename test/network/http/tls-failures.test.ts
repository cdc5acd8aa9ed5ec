import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { type Certified, certify, makeAuthority } from '../../support/certificates.ts';
import { startHarness } from '../../support/harness.ts';
import { httpCall, httpFailure } from '../../support/http-request.ts';
import { listening, startUpstream } from '../../support/http-upstream.ts';
import { trustedAuthority } from '../../support/https-upstream.ts';

const DAY = 24 * 3_600_000;

const AUTHORITY = trustedAuthority();

/** The failure of a request to a server of TLS, and the bytes that came there over it. */
async function failureWith(
  certified: Certified,
  options: TlsOptions = {},
  authority = AUTHORITY as Promise<Awaited<ReturnType<typeof makeAuthority>>>,
): Promise<readonly [failure: string, bytes: number]> {
  const { httpTrust } = await AUTHORITY;
  const harness = await startHarness({ httpTrust, lookup: async () => ['127.0.0.1'] });
  const { certificate, key } = await certify('upstream', await authority, certified);
  let bytes = 0;
  const server = createServer({ key, cert: certificate, ...options }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      bytes += data.length;
    });
  });
  server.on('tlsClientError', () => {});
  const url = `https://api.example.test:${await listening(server)}`;
  return [await httpFailure(httpCall(harness, { url })), bytes];
}

describe('a request over TLS', () => {
  const hosts = ['api.example.test'];

  it.each<[string, Certified, TlsOptions, string]>([
    [
      'a certificate that is over',
      { hosts, notBefore: new Date(Date.now() - 2 * DAY), notAfter: new Date(Date.now() - DAY) },
      {},
      'CERT_HAS_EXPIRED',
    ],
    [
      'one that is not valid yet',
      { hosts, notBefore: new Date(Date.now() + DAY), notAfter: new Date(Date.now() + 2 * DAY) },
      {},
      'CERT_NOT_YET_VALID',
    ],
    ['one of another host', { hosts: ['other.test'] }, {}, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['one of an address', { ips: ['127.0.0.1'] }, {}, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    [
      'a protocol that is too old',
      { hosts },
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    ],
  ])('sends nothing over %s', async (_what, certified, options, code) => {
    expect(await failureWith(certified, options)).toEqual([`HTTP_FAILED TLS ${code}`, 0]);
  });

  it('sends nothing to one that an unknown authority has certified', async () => {
    const unknown = makeAuthority('nobody knows');
    expect(await failureWith({ hosts }, {}, unknown)).toEqual([
      'HTTP_FAILED TLS UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      0,
    ]);
  });

  it('sends nothing to one that has certified itself', async () => {
    const self = await makeAuthority('itself');
    const options = { key: self.key, cert: self.certificate };
    const [failure, bytes] = await failureWith({ hosts }, options);
    expect(failure).toMatch(/^HTTP_FAILED TLS (DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT)/);
    expect(bytes).toBe(0);
  });

  it.each<[string, (socket: Socket) => void, RegExp]>([
    [
      'plain text',
      (socket) => socket.end('HTTP/1.1 400 Bad\r\n\r\n'),
      /^ERR_SSL_WRONG_VERSION_NUMBER$/,
    ],
    ['the end', (socket) => socket.end(), /^CLOSED$/],
    ['a reset', (socket) => socket.resetAndDestroy(), /^ECONNRESET$/],
    // A fatal alert, `handshake_failure`: RFC 8446, section 6.
    [
      'a refusal',
      (socket) => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 40])),
      /^ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE$/,
    ],
  ])('fails where its first message is answered by %s', async (_what, answer, code) => {
    const harness = await startHarness();
    const upstream = await startUpstream(async ({ socket }) => {
      await once(socket, 'data');
      answer(socket);
    });
    const url = `https://127.0.0.1:${upstream.port}`;
    const [reason, stage, told] = (await httpFailure(httpCall(harness, { url }))).split(' ');
    expect([reason, stage]).toEqual(['HTTP_FAILED', 'TLS']);
    expect(told).toMatch(code);
    expect(upstream.connections).toHaveLength(1);
  });
});

import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ConnectOptions, connect, type TlsOptions } from '../../src/client/index.ts';
import { bearers, serveBearers } from '../support/bearers.ts';
import { certify, type Identity, makeAuthority } from '../support/certificates.ts';
import { connectTo, errorOf, QUICK } from '../support/client.ts';
import { startTlsFront } from '../support/tls-front.ts';

let authority: Identity;
let server: Identity;
let client: Identity;
let stranger: Identity;

beforeAll(async () => {
  authority = await makeAuthority('authority');
  server = await certify('server', authority);
  client = await certify('client', authority);
  stranger = await certify('stranger', await makeAuthority('other authority'));
});

/** A server that takes a token, behind TLS. */
async function startRig(clients?: Identity) {
  const { address } = await serveBearers(bearers('good'));
  const front = await startTlsFront(address, server, clients);
  const connected = (options: ConnectOptions) =>
    connectTo(front.address, { ...QUICK, token: 'good', connectTimeoutMs: 0, ...options });
  return { cut: front.cut, connected };
}

const refused = (tls: unknown): Promise<Error> =>
  errorOf((async () => connect('127.0.0.1:1', { tls } as never))());

describe('TLS by options', () => {
  it.each(['text', 'bytes'])('trusts an authority that is given as %s', async (what) => {
    const { connected } = await startRig();
    const ca = what === 'text' ? authority.certificate.toString() : authority.certificate;
    const result = await connected({ tls: { ca } }).run(['echo', 'hello']);
    expect(result.stdout.toString()).toBe('hello\n');
  });

  it('comes back after its connections broke', async () => {
    const { connected, cut } = await startRig();
    const session = await connected({ tls: { ca: authority.certificate } }).session();
    cut();
    expect(await session.processes()).toEqual([]);
    expect(session.connected).toBe(true);
  });

  it('trusts nobody whom Node.js does not by itself', async () => {
    const { connected } = await startRig();
    const error = await errorOf(connected({ tls: true }).info());
    expect(error).toMatchObject({ name: 'ConnectionError' });
    expect(error.message).toMatch(/certificate/);
  });

  it('shows the certificate of the client', async () => {
    const { connected } = await startRig(authority);
    const { certificate: cert, key } = client;
    const one = connected({ tls: { ca: authority.certificate, cert, key } });
    expect((await one.info()).caller?.name).toBe('token:tester');
    const none = connected({ tls: { ca: authority.certificate } });
    expect(await errorOf(none.info())).toMatchObject({ name: 'ConnectionError' });
  });

  it('wants the certificate to be for the name that it is told', async () => {
    const { connected } = await startRig();
    const named = (serverName: string) =>
      connected({ tls: { ca: authority.certificate, serverName } });
    expect((await named('127.0.0.1').info()).caller?.name).toBe('token:tester');
    const error = await errorOf(named('other.example').info());
    expect(error.message).toMatch(/other\.example/);
  });

  it.each([
    ['ca', () => ({ ca: 'x' }), 'tls.ca has no certificate in PEM'],
    ['ca', () => ({ ca: '' }), 'tls.ca has no certificate in PEM'],
    ['ca', () => ({ ca: client.key }), 'tls.ca has no certificate in PEM'],
    [
      'ca',
      () => ({ ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' }),
      'tls.ca has a certificate that cannot be read',
    ],
    ['ca', () => ({ ca: 5 }), 'tls.ca must be PEM, a string or bytes'],
    ['cert', () => ({ cert: client.certificate }), 'tls.cert needs tls.key'],
    ['key', () => ({ key: client.key }), 'tls.key needs tls.cert'],
    ['cert', () => ({ cert: 'x', key: client.key }), 'tls.cert has no certificate in PEM'],
    [
      'key',
      () => ({ cert: client.certificate, key: 's3cr3t' }),
      'tls.key has no private key in PEM, or an encrypted one',
    ],
    [
      'key',
      () => ({ cert: client.certificate, key: stranger.key }),
      'tls.key is not the key of tls.cert',
    ],
    [
      'serverName',
      () => ({ serverName: 'two words' }),
      'tls.serverName must be the name of a host',
    ],
    ['serverName', () => ({ serverName: '' }), 'tls.serverName must be the name of a host'],
    ['rejectUnauthorized', () => ({ rejectUnauthorized: false }), /no option of tls/],
  ] as const)('refuses a wrong %s before anything is sent: %#', async (name, tlsOf, message) => {
    const error = await refused(tlsOf());
    expect(error).toMatchObject({ name: 'OptionError', option: `tls.${name}` });
    if (typeof message === 'string') expect(error.message).toBe(message);
    else expect(error.message).toMatch(message);
  });

  it('tells nothing of a key that is encrypted', async () => {
    const { privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'prime256v1',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' },
    });
    const error = await refused({ cert: client.certificate, key: privateKey });
    expect(error).toMatchObject({ option: 'tls.key' });
    const [, secret = ''] = privateKey.split('\n');
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(secret);
  });

  it('is no text, and not used beside credentials of grpc-js', async () => {
    const { credentials } = await import('@grpc/grpc-js');
    expect(await refused('yes')).toMatchObject({ name: 'OptionError', option: 'tls' });
    for (const tls of [true, {}] as readonly (boolean | TlsOptions)[]) {
      const options = { tls, credentials: credentials.createSsl() };
      expect(() => connect('127.0.0.1:1', options)).toThrow('tls cannot be used with credentials');
    }
  });
});

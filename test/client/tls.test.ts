import { credentials, ServerCredentials } from '@grpc/grpc-js';
import { beforeAll, describe, expect, it } from 'vitest';
import { certify, type Identity, makeAuthority } from '../support/certificates.ts';
import { connectTo, errorOf, QUICK } from '../support/client.ts';
import { type Gate, startGate } from '../support/gate.ts';
import { startHarness } from '../support/harness.ts';
import { PATH } from '../support/shell.ts';

const env = { PATH };

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

async function startTlsGate(clientAuthority?: Identity): Promise<Gate> {
  const { address } = await startHarness();
  const pair = { private_key: server.key, cert_chain: server.certificate };
  const trusted = clientAuthority?.certificate ?? null;
  return startGate(address, () => undefined, {
    credentials: ServerCredentials.createSsl(trusted, [pair], trusted !== null),
  });
}

describe('a client with TLS credentials', () => {
  it('runs commands, and comes back after its connections broke', async () => {
    const gate = await startTlsGate();
    const trusting = { credentials: credentials.createSsl(authority.certificate) };
    const session = await connectTo(gate.address, { ...QUICK, ...trusting }).session();
    const process = await session.start({ argv: ['cat'], env, stdin: 'pipe' });
    process.stdin.write('before ');
    const read = process.stdout.iterator({ destroyOnReturn: false });
    expect(String((await read.next()).value)).toBe('before ');
    gate.cut();
    process.stdin.end('after');
    expect(String((await read.next()).value)).toBe('after');
    expect(await process.closed).toMatchObject({ code: 0 });
  });

  it('shows its certificate to a server that asks for one', async () => {
    const gate = await startTlsGate(authority);
    const { key, certificate } = client;
    const known = { credentials: credentials.createSsl(authority.certificate, key, certificate) };
    const result = await connectTo(gate.address, known).run(['echo', 'hello'], { env });
    expect(result.stdout.toString()).toBe('hello\n');
  });

  it.each(['no certificate', 'one of another authority'])(
    'cannot reach a server that asks for its certificate with %s',
    async (which) => {
      const gate = await startTlsGate(authority);
      const { key, certificate } = stranger;
      const unknown =
        which === 'no certificate'
          ? credentials.createSsl(authority.certificate)
          : credentials.createSsl(authority.certificate, key, certificate);
      const options = { connectTimeoutMs: 0, credentials: unknown };
      const error = await errorOf(connectTo(gate.address, options).session());
      expect(error).toMatchObject({ name: 'ConnectionError', outcomeUnknown: false });
    },
  );

  it('says so where it does not trust the certificate of the server', async () => {
    const gate = await startTlsGate();
    const distrusting = { connectTimeoutMs: 0, credentials: credentials.createSsl() };
    const error = await errorOf(connectTo(gate.address, distrusting).session());
    expect(error).toMatchObject({ name: 'ConnectionError', outcomeUnknown: false });
    expect(error.message).toMatch(/unable to .*certificate/);
  });

  it('does not talk to a server without TLS', async () => {
    const { address } = await startHarness();
    const secure = { connectTimeoutMs: 0, credentials: credentials.createSsl() };
    const error = await errorOf(connectTo(address, secure).session());
    expect(error).toMatchObject({ name: 'ConnectionError', outcomeUnknown: false });
  });
});

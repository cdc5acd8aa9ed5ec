import { chmod } from 'node:fs/promises';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Address } from '../../src/address.ts';
import { createClient } from '../../src/bridge/create-client.ts';
import { openConnection } from '../../src/client/connection.ts';
import { clientSettings } from '../../src/client/options.ts';
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../src/gen/grpc/health/v1/health_pb.ts';
import { ServerService } from '../../src/gen/runlet/v1/server_pb.ts';
import { SessionService } from '../../src/gen/runlet/v1/session_pb.ts';
import { anybodyAuthenticator } from '../../src/identity/anybody.ts';
import { clientNamePattern } from '../../src/identity/mtls/client-name-pattern.ts';
import { mtlsAuthenticator } from '../../src/identity/mtls.ts';
import { CREDENTIALS_LOOK_MS } from '../../src/limits.ts';
import {
  type Certified,
  certify,
  type Identity,
  makeAuthority,
  revoke,
} from '../support/certificates.ts';
import { connectTo, errorOf, QUICK } from '../support/client.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { serveHere } from '../support/harness.ts';
import { PATH } from '../support/shell.ts';
import { keptLog, openedTls, pairOf, type TlsFolder, tlsFolder, trusting } from '../support/tls.ts';

const env = { PATH };
const DAY = 86_400_000;

let authority: Identity;
let clients: Identity;
let server: Identity;

beforeAll(async () => {
  authority = await makeAuthority('authority');
  clients = await makeAuthority('authority of clients');
  server = await certify('server', authority);
});

interface MtlsServer extends TlsFolder {
  readonly address: Address;
  /** Why the last call was refused. */
  why(): unknown;
}

interface MtlsServerOptions {
  readonly names?: readonly string[];
  /** Default: no list of what is revoked. */
  readonly clientCrl?: Buffer;
}

/** Every name that a certificate of these tests can have. */
const EVERYBODY = ['spiffe://example.org/**', '*', '*.*', '*.*.*'];

/** A server that lets in clients by their certificates, under these names. */
async function serveMtls({
  clientCrl,
  names = EVERYBODY,
}: MtlsServerOptions = {}): Promise<MtlsServer> {
  const { lines, logger } = keptLog();
  const list = clientCrl === undefined ? {} : { clientCrl };
  const folder = await tlsFolder({ ...pairOf(server), clientCa: clients.certificate, ...list });
  const { cert, clientCa, clientCrl: path, key } = folder.files;
  const files = { cert, key, clientCa, ...(clientCrl === undefined ? {} : { clientCrl: path }) };
  const tls = await openedTls({ files, logger });
  const patterns = names.map(clientNamePattern);
  const listener: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
  const { runlet } = await serveHere({
    listeners: [{ address: listener, auth: [mtlsAuthenticator({ names: patterns })], tls }],
    logger,
  });
  return {
    ...folder,
    address: runlet.addresses[0] ?? listener,
    why: () =>
      lines.findLast(({ code, msg }) => msg === 'call' && code === 'UNAUTHENTICATED')?.['why'],
  };
}

/** Whom a server takes a client for. */
async function callerAt(address: Address, client?: Identity): Promise<string | undefined> {
  const settings = clientSettings({ credentials: trusting(authority, client) });
  const connection = openConnection(address, settings);
  try {
    const info = await createClient(ServerService, connection).getServerInfo({});
    return info.caller?.name;
  } finally {
    connection.close();
  }
}

async function healthAt(address: Address, client?: Identity): Promise<unknown> {
  const settings = clientSettings({ credentials: trusting(authority, client) });
  const connection = openConnection(address, settings);
  try {
    return (await createClient(Health, connection).check({})).status;
  } finally {
    connection.close();
  }
}

const refusal = { code: 16, details: 'the call has no credentials that are accepted here' };

describe('a client with a certificate', () => {
  const cases: readonly (readonly [string, Certified])[] = [
    ['mtls:spiffe://example.org/ci/build', { uris: ['spiffe://example.org/ci/build'] }],
    ['mtls:ci.example.org', { hosts: ['CI.example.org'] }],
    ['mtls:two.example.org', { hosts: ['one.test', 'two.example.org', 'three.example.org'] }],
    ['mtls:other.example.org', { hosts: ['*.example.org', 'other.example.org'] }],
    ['mtls:spiffe://example.org/x', { uris: ['spiffe://example.org/x'], hosts: ['y.example.org'] }],
  ];

  it.each(cases)('is %s', async (name, certified) => {
    const { address } = await serveMtls({ names: ['spiffe://example.org/**', '*.example.org'] });
    expect(await callerAt(address, await certify('c', clients, certified))).toBe(name);
  });

  it('runs commands, and has sessions that nobody else has', async () => {
    const { address } = await serveMtls();
    const [one, two] = await Promise.all(
      ['one', 'two'].map(async (name) => {
        const client = await certify(name, clients, { hosts: [`${name}.example.org`] });
        return connectTo(address, { credentials: trusting(authority, client) });
      }),
    );
    expect((await one?.run(['echo', 'hello'], { env }))?.stdout.toString()).toBe('hello\n');
    const session = await one?.session();
    expect(await errorOf(Promise.resolve(two?.session({ id: session?.id ?? '' })))).toMatchObject({
      reason: expect.anything(),
    });
  });

  it('may have it from an authority that its own certificate brings along', async () => {
    const between = await certify('between', clients, { isAuthority: true });
    const client = await certify('c', between, { hosts: ['c.example.org'] });
    const certificate = Buffer.concat([client.certificate, Buffer.from('\n'), between.certificate]);
    const { address } = await serveMtls();
    expect(await callerAt(address, { key: client.key, certificate })).toBe('mtls:c.example.org');
  });
});

describe('a client that is not let in', () => {
  it('is everybody, where no names are said', async () => {
    const { address, why } = await serveMtls({ names: [] });
    const one = await certify('c', clients, { hosts: ['c.example.org'] });
    expect(await errorOf(callerAt(address, one))).toMatchObject(refusal);
    expect(why()).toEqual(expect.stringContaining('c.example.org'));
  });

  const over = { hosts: ['c.test'], notBefore: new Date(Date.now() - 2 * DAY) };
  const early = new Date(Date.now() + DAY);
  const cases: readonly (readonly [string, Certified | 'stranger' | undefined, unknown])[] = [
    ['without a certificate', undefined, expect.stringMatching(/^no credentials/)],
    ['with one of another authority', 'stranger', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    [
      'with one that is over',
      { ...over, notAfter: new Date(Date.now() - DAY) },
      'CERT_HAS_EXPIRED',
    ],
    [
      'with one that is not valid yet',
      { hosts: ['c.test'], notBefore: early, notAfter: new Date(Date.now() + 2 * DAY) },
      'CERT_NOT_YET_VALID',
    ],
    ['with a name that is not let in', { hosts: ['d.test'] }, expect.stringContaining('d.test')],
    ['with a name within another', { hosts: ['c.test.evil.test'] }, expect.any(String)],
    ['with a name below a path', { uris: ['spiffe://x.test/ci/a/b'] }, expect.any(String)],
    ['of another trust domain', { uris: ['spiffe://y.test/ci/a'] }, expect.any(String)],
    [
      'with two SPIFFE IDs',
      { uris: ['spiffe://x.test/ci/a', 'spiffe://x.test/ci/b'] },
      expect.stringContaining('another URI'),
    ],
    [
      'with a SPIFFE ID and another URI',
      { uris: ['spiffe://x.test/ci/a', 'https://x.test/'] },
      expect.stringContaining('another URI'),
    ],
    [
      'with what is no SPIFFE ID',
      { uris: ['spiffe://x.test/ci/a?b'], hosts: ['c.test'] },
      expect.stringContaining('not a valid one'),
    ],
    ['with an address alone', { ips: ['127.0.0.1'] }, expect.stringContaining('neither')],
    [
      'with a name that looks like two',
      { hosts: ['x, DNS:c.test'] },
      expect.stringContaining('neither'),
    ],
    [
      'with a SPIFFE ID that is hidden in a name',
      { hosts: ['x, URI:spiffe://x.test/ci/a'] },
      expect.stringContaining('neither'),
    ],
    [
      'with a SPIFFE ID and the rights of an authority',
      { uris: ['spiffe://x.test/ci/a'], isAuthority: true },
      expect.stringContaining('of an authority'),
    ],
  ];

  it.each(cases)('%s is told so, and of the health of the server', async (_, certified, why) => {
    const server = await serveMtls({ names: ['c.test', 'spiffe://x.test/ci/*'] });
    const signer = certified === 'stranger' ? await makeAuthority('stranger') : clients;
    const says = certified === 'stranger' ? { hosts: ['c.test'] } : certified;
    const client = says && (await certify('c', signer, says));
    expect(await errorOf(callerAt(server.address, client))).toMatchObject(refusal);
    expect(server.why()).toEqual(why);
    expect(await healthAt(server.address, client)).toBe(ServingStatus.SERVING);
  });

  it('finds that nobody is asked for a certificate where it does not count', async () => {
    const folder = await tlsFolder({ ...pairOf(server), clientCa: clients.certificate });
    const { cert, clientCa, key } = folder.files;
    const tls = await openedTls({ files: { cert, key, clientCa } });
    const listener: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
    const { runlet } = await serveHere({
      listeners: [{ address: listener, auth: [anybodyAuthenticator()], tls }],
    });
    const stranger = await certify('c', await makeAuthority('stranger'));
    expect(await callerAt(runlet.addresses[0] ?? listener, stranger)).toBe('none:anybody');
  });
});

describe('a certificate that ends while its connection is open', () => {
  it('lets nobody in any more, and ends what is open', async () => {
    const clock = new FakeClock(Date.now());
    const folder = await tlsFolder({ ...pairOf(server), clientCa: clients.certificate });
    const { cert, clientCa, key } = folder.files;
    const tls = await openedTls({ files: { cert, key, clientCa } });
    const listener: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
    const names = [clientNamePattern('c.test')];
    const { log, runlet } = await serveHere({
      listeners: [{ address: listener, auth: [mtlsAuthenticator({ names, clock })], tls }],
      clock,
    });
    const client = await certify('c', clients, { hosts: ['c.test'] });
    const connection = openConnection(
      runlet.addresses[0] ?? listener,
      clientSettings({ credentials: trusting(authority, client) }),
    );
    onTestFinished(() => connection.close());
    const sessions = createClient(SessionService, connection);
    const { session } = await sessions.createSession({});
    const events = sessions.attachSession({ sessionId: session?.sessionId ?? '' });
    const iterator = events[Symbol.asyncIterator]();
    await iterator.next();
    clock.skip(400 * DAY);
    clock.advance(CREDENTIALS_LOOK_MS);
    expect(await errorOf(iterator.next())).toMatchObject({ code: 16 });
    expect(await errorOf(sessions.listSessions({}))).toMatchObject(refusal);
    expect(log.at(-1)).toContain('the certificate is over');
  });
});

describe('a certificate that was revoked', () => {
  it('lets nobody in, and others of the same authority do', async () => {
    const [good, bad] = await Promise.all(
      ['good', 'bad'].map((name) => certify(name, clients, { hosts: [`${name}.test`] })),
    );
    const server = await serveMtls({ clientCrl: await revoke(clients, bad ? [bad] : []) });
    expect(await callerAt(server.address, good)).toBe('mtls:good.test');
    expect(await errorOf(callerAt(server.address, bad))).toMatchObject(refusal);
    expect(server.why()).toBe('CERT_REVOKED');
  });

  it('lets nobody in where the list of an authority is missing', async () => {
    const client = await certify('c', clients, { hosts: ['c.test'] });
    const other = await revoke(await makeAuthority('another'), []);
    const server = await serveMtls({ clientCrl: other });
    expect(await errorOf(callerAt(server.address, client))).toMatchObject(refusal);
    expect(server.why()).toBe('UNABLE_TO_GET_CRL');
  });

  it('ends what its client has open, and the others come back by themselves', async () => {
    const [good, bad] = await Promise.all(
      ['good', 'bad'].map((name) => certify(name, clients, { hosts: [`${name}.test`] })),
    );
    const server = await serveMtls({ clientCrl: await revoke(clients, []) });
    const [kept, cut] = [good, bad].map((client) =>
      connectTo(server.address, { ...QUICK, credentials: trusting(authority, client) }),
    );
    const session = await kept?.session();
    const cat = await session?.start({ argv: ['cat'], env, stdin: 'pipe' });
    const lost = cut?.run(['sleep', '1000'], { env });
    // What was sent after it has been answered.
    await cut?.info();
    await server.put({ clientCrl: await revoke(clients, bad ? [bad] : []) });
    expect(await errorOf(Promise.resolve(lost))).toBeInstanceOf(Error);
    await expect
      .poll(async () => callerAt(server.address, bad).catch((error: unknown) => error))
      .toMatchObject(refusal);
    cat?.stdin.end('still here');
    expect(await cat?.closed).toMatchObject({ code: 0 });
    expect(await callerAt(server.address, good)).toBe('mtls:good.test');
  });
});

describe('an authority of clients', () => {
  it('that comes along leaves connections alone, and one that goes ends them', async () => {
    const server = await serveMtls();
    const newcomers = await makeAuthority('another authority');
    const client = await certify('c', clients, { hosts: ['c.test'] });
    const newcomer = await certify('n', newcomers, { hosts: ['n.test'] });
    const connection = openConnection(
      server.address,
      clientSettings({ credentials: trusting(authority, client) }),
    );
    const health = createClient(Health, connection);
    const watch = health.watch({});
    const ended = (async () => {
      for await (const _ of watch);
    })().catch((error: unknown) => error);
    const calls = createClient(ServerService, connection);
    await calls.getServerInfo({});
    const both = Buffer.concat([newcomers.certificate, Buffer.from('\n'), clients.certificate]);
    await server.put({ clientCa: both });
    await expect.poll(() => callerAt(server.address, newcomer).catch(() => '')).toBe('mtls:n.test');
    expect(await Promise.race([ended, calls.getServerInfo({})])).toMatchObject({
      caller: { name: 'mtls:c.test' },
    });
    await server.put({ clientCa: newcomers.certificate });
    expect(await ended).toMatchObject({ code: 14 });
    expect(await errorOf(callerAt(server.address, client))).toMatchObject(refusal);
    expect(await callerAt(server.address, newcomer)).toBe('mtls:n.test');
    connection.close();
  });
});

describe('a listener that lets in clients by their certificates', () => {
  it('takes no authorities that other users can write', async () => {
    const { files } = await tlsFolder({ ...pairOf(server), clientCa: clients.certificate });
    const { cert, clientCa, key } = files;
    await chmod(clientCa, 0o646);
    const error = await errorOf(openedTls({ files: { cert, key, clientCa } }));
    expect(error.message).toBe(`${clientCa}: other users can write to it (chmod go-w)`);
  });

  it('needs TLS, and an authority of clients', async () => {
    const address: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
    const auth = [mtlsAuthenticator({ names: [] })];
    const { files } = await tlsFolder(pairOf(server));
    const tls = await openedTls({ files: { cert: files.cert, key: files.key } });
    for (const options of [{}, { tls }, { allowInsecure: true }]) {
      const error = await errorOf(serveHere({ listeners: [{ address, auth, ...options }] }));
      expect(error.message).toBe('127.0.0.1:0: --auth mtls needs TLS, and an authority of clients');
    }
  });

  it('is none of Unix sockets', async () => {
    const { files } = await tlsFolder(pairOf(server));
    const tls = await openedTls({ files: { cert: files.cert, key: files.key } });
    const address: Address = { kind: 'unix', path: '/nonexistent/socket' };
    const error = await errorOf(serveHere({ listeners: [{ address, auth: [], tls }] }));
    expect(error.message).toBe('unix:/nonexistent/socket: Unix sockets have no TLS');
  });
});

import type { ChildProcess } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Address, formatAddress, parseAddress } from '../../src/address.ts';
import { createClient } from '../../src/bridge/create-client.ts';
import { openConnection } from '../../src/client/connection.ts';
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../src/gen/grpc/health/v1/health_pb.ts';
import { ServerService } from '../../src/gen/runlet/v1/server_pb.ts';
import { certify, type Identity, makeAuthority, revoke } from '../support/certificates.ts';
import { runCli, spawnCli } from '../support/cli.ts';
import { connectTo, errorOf, QUICK } from '../support/client.ts';
import { temporaryFolder } from '../support/harness.ts';
import { PATH } from '../support/shell.ts';
import { pairOf, shakeHands, type TlsFolder, tlsFolder, trusting } from '../support/tls.ts';

const env = { PATH };

let authority: Identity;
let clients: Identity;
let server: Identity;
let client: Identity;

beforeAll(async () => {
  authority = await makeAuthority('authority');
  clients = await makeAuthority('authority of clients');
  server = await certify('server', authority);
  client = await certify('client', clients, { uris: ['spiffe://example.org/ci/build'] });
});

interface Serving {
  readonly child: ChildProcess;
  readonly addresses: readonly Address[];
  /** What it has logged so far. */
  log(): string;
}

/** Starts `runlet serve`, until it listens everywhere. */
async function serving(flags: readonly string[], listeners: number): Promise<Serving> {
  const folder = await temporaryFolder();
  const child = spawnCli(['serve', '--state-dir', folder, '--grace', '0', ...flags]);
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const addresses: Address[] = [];
  if (child.stdout === null) throw new Error('its standard output is no pipe');
  for await (const line of createInterface(child.stdout)) {
    addresses.push(parseAddress(line.replace('runlet listening on ', '')));
    if (addresses.length === listeners) break;
  }
  if (addresses.length < listeners) throw new Error(`it does not listen: ${log}`);
  return { child, addresses, log: () => log };
}

const tlsFlags = ({ files }: TlsFolder): readonly string[] => [
  '--tls-cert',
  files.cert,
  '--tls-key',
  files.key,
];

/** Whether a server says over a connection without TLS that it is well, and anything else. */
async function plainly(address: Address): Promise<readonly [unknown, unknown]> {
  const connection = openConnection(address);
  try {
    const { status } = await createClient(Health, connection).check({});
    const info = createClient(ServerService, connection).getServerInfo({});
    return [status, await info.catch((error: unknown) => error)];
  } finally {
    connection.close();
  }
}

describe('runlet serve with a certificate', () => {
  it('lets in clients by theirs, and tells of its health in plaintext beside that', async () => {
    const folder = await tlsFolder({
      ...pairOf(server),
      clientCa: clients.certificate,
      clientCrl: await revoke(clients, []),
    });
    const { files } = folder;
    const { addresses } = await serving(
      [
        '--listen=127.0.0.1:0,auth=mtls',
        '--listen=127.0.0.1:0,health',
        ...tlsFlags(folder),
        `--client-ca=${files.clientCa}`,
        `--client-crl=${files.clientCrl}`,
        '--client-name=spiffe://example.org/ci/*',
      ],
      2,
    );
    const [secure, health] = addresses as [Address, Address];
    const known = connectTo(secure, { ...QUICK, credentials: trusting(authority, client) });
    expect((await known.run(['echo', 'hello'], { env })).stdout.toString()).toBe('hello\n');
    const unknown = connectTo(secure, { credentials: trusting(authority) });
    expect(await errorOf(unknown.info())).toMatchObject({ status: 'UNAUTHENTICATED' });
    expect(await plainly(health)).toEqual([
      ServingStatus.SERVING,
      expect.objectContaining({ code: 16 }),
    ]);
    // In force without a signal or a restart.
    await folder.put({ clientCrl: await revoke(clients, [client]) });
    await expect
      .poll(() => known.info().catch((error: unknown) => error))
      .toMatchObject({ status: 'UNAUTHENTICATED' });
  });

  it('takes another one that is put into its place, and ends in order', async () => {
    const folder = await tlsFolder(pairOf(server));
    const { addresses, child, log } = await serving(
      ['--listen=127.0.0.1:0', '--auth=none', ...tlsFlags(folder)],
      1,
    );
    const [address] = addresses as [Address];
    const another = await certify('another', authority);
    await folder.put({ cert: another.certificate });
    await expect.poll(log).toContain('it is not the key of the certificate');
    await folder.put({ key: another.key });
    const shown = async (): Promise<string | undefined> => {
      const socket = shakeHands(address);
      await once(socket, 'secureConnect');
      return socket.getPeerX509Certificate()?.fingerprint256;
    };
    await expect.poll(shown).toBe(new X509Certificate(another.certificate).fingerprint256);
    expect(log()).not.toContain(another.key.toString().split('\n')[1]);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('has TLS on no listener for which it is off', async () => {
    const folder = await tlsFolder(pairOf(server));
    const { addresses } = await serving(
      [
        '--listen=127.0.0.1:0,auth=none',
        '--listen=127.0.0.1:0,auth=none,tls=off',
        `--listen=unix:${join(folder.folder, 'socket')}`,
        ...tlsFlags(folder),
      ],
      3,
    );
    const [secure, plain, unix] = addresses as [Address, Address, Address];
    for (const address of [plain, unix]) {
      expect(await connectTo(address).info()).toHaveProperty('version');
    }
    const secured = connectTo(secure, { credentials: trusting(authority) });
    expect(await secured.info()).toHaveProperty('version');
    expect(await errorOf(connectTo(secure, { connectTimeoutMs: 0 }).info())).toMatchObject({
      name: 'ConnectionError',
    });
  });

  it('does not start with a key that is not its own', async () => {
    const folder = await tlsFolder({ cert: server.certificate, key: client.key });
    const { files } = folder;
    const result = await runCli([
      'serve',
      '--listen=127.0.0.1:0',
      '--auth=none',
      ...tlsFlags(folder),
    ]);
    expect([result.code, result.stderr]).toEqual([
      125,
      `runlet: ${files.key}: it is not the key of the certificate in ${files.cert}\n`,
    ]);
  });

  it('says at each start that it is open to everybody, where it is', async () => {
    const folder = await tlsFolder(pairOf(server));
    const flags = ['--listen=0.0.0.0:0', '--auth=none', '--allow-insecure', ...tlsFlags(folder)];
    const { log } = await serving(flags, 1);
    await expect.poll(log).toContain('whoever reaches this address can run commands');
  });
});

describe('the status of a server with TLS', () => {
  it.each(['none', 'mtls'])('is that it is up, with --auth %s', async (auth) => {
    const folder = await tlsFolder({ ...pairOf(server), clientCa: clients.certificate });
    const { addresses } = await serving(
      [
        '--listen=127.0.0.1:0',
        `--auth=${auth}`,
        ...tlsFlags(folder),
        `--client-ca=${folder.files.clientCa}`,
        '--client-name=spiffe://example.org/ci/*',
      ],
      1,
    );
    const address = formatAddress((addresses as [Address])[0]);
    const status = await runCli(['serve', '--listen', address, '--json']);
    expect(status.code).toBe(0);
    const version = auth === 'none' ? expect.stringMatching(/^\d/) : 'unknown';
    expect(JSON.parse(status.stdout.toString())).toEqual({ address, version });
    const table = await runCli(['serve', '--listen', address, '--status']);
    expect(table.stdout.toString()).toMatch(auth === 'none' ? /version +\d/ : /version +-/);
    const again = await runCli(['serve', '--daemon', '--listen', address, '--auth', auth]);
    expect(again.stderr).toMatch(`a server is up already at ${address}, version `);
  });

  it('is that it serves in the background, once it does', async () => {
    const folder = await tlsFolder({ ...pairOf(server), clientCa: clients.certificate });
    const begun = await runCli([
      'serve',
      '--daemon',
      '--state-dir',
      folder.folder,
      '--listen=127.0.0.1:0,auth=mtls',
      // By which it is found and ended.
      `--listen=unix:${join(folder.folder, 'socket')}`,
      ...tlsFlags(folder),
      `--client-ca=${folder.files.clientCa}`,
      '--client-name=spiffe://example.org/ci/*',
    ]);
    const status = await runCli([
      'serve',
      '--listen',
      `unix:${join(folder.folder, 'socket')}`,
      '--json',
    ]);
    const { pid } = JSON.parse(status.stdout.toString()) as { pid: number };
    onTestFinished(() => void process.kill(pid));
    const [, address = ''] = /^runlet listening on (127\S+)$/m.exec(begun.stdout.toString()) ?? [];
    const known = connectTo(parseAddress(address), { credentials: trusting(authority, client) });
    expect(await known.info()).toHaveProperty('version');
  });
});

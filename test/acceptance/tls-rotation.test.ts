import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { beforeAll, expect, it } from 'vitest';
import type { Address } from '../../src/address.ts';
import { createClient } from '../../src/bridge/create-client.ts';
import { openConnection } from '../../src/client/connection.ts';
import { clientSettings } from '../../src/client/options.ts';
import { ServerService } from '../../src/gen/runlet/v1/server_pb.ts';
import { anybodyAuthenticator } from '../../src/identity/anybody.ts';
import { FILES_LOOK_MS } from '../../src/limits.ts';
import { certify, type Identity, makeAuthority } from '../support/certificates.ts';
import { connectTo } from '../support/client.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { serveHere } from '../support/harness.ts';
import { PATH } from '../support/shell.ts';
import { keptLog, openedTls, pairOf, shakeHands, tlsFolder, trusting } from '../support/tls.ts';

const ROTATIONS = 20;

/** Clients that connect anew all the time. */
const CONNECTING = 2;

let authority: Identity;
let pairs: readonly Identity[];

beforeAll(async () => {
  authority = await makeAuthority('authority');
  const made = Array.from({ length: ROTATIONS + 1 }, (_, i) => certify(`server ${i}`, authority));
  pairs = await Promise.all(made);
});

const fingerprint = ({ certificate }: Identity): string =>
  new X509Certificate(certificate).fingerprint256;

/** The certificate that a new connection is shown. */
async function shownAt(address: Address): Promise<string | undefined> {
  const socket = shakeHands(address);
  await once(socket, 'secureConnect');
  const shown = socket.getPeerX509Certificate()?.fingerprint256;
  socket.destroy();
  return shown;
}

/** A whole connection, with a call over it. */
async function callOnce(address: Address): Promise<void> {
  const connection = openConnection(address, clientSettings({ credentials: trusting(authority) }));
  try {
    await createClient(ServerService, connection).getServerInfo({});
  } finally {
    connection.close();
  }
}

it('certificates are rotated under load, and nobody notices', async () => {
  const [first] = pairs;
  if (first === undefined) throw new Error('there is no certificate');
  const { files, put } = await tlsFolder(pairOf(first));
  const { lines, logger } = keptLog();
  // Of the looks at the files alone: each is over when the next is set.
  const clock = new FakeClock();
  const look = async (): Promise<void> => {
    clock.advance(FILES_LOOK_MS);
    await expect.poll(() => clock.pending, { interval: 1 }).toBe(1);
  };
  const tls = await openedTls({ files: { cert: files.cert, key: files.key }, logger, clock });
  const listener: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
  const { runlet } = await serveHere({
    listeners: [{ address: listener, auth: [anybodyAuthenticator()], tls }],
  });
  const address = runlet.addresses[0] ?? listener;

  const client = connectTo(address, { credentials: trusting(authority), windowMs: 0 });
  const session = await client.session();
  const cat = await session.start({ argv: ['cat'], env: { PATH }, stdin: 'pipe' });
  const echoed = cat.stdout.iterator({ destroyOnReturn: false });

  let isOver = false;
  let calls = 0;
  const load = Array.from({ length: CONNECTING }, async () => {
    while (!isOver) {
      await callOnce(address);
      calls += 1;
    }
  });
  const rotate = async (): Promise<void> => {
    let before = first;
    for (const [i, pair] of pairs.slice(1).entries()) {
      // One after the other: a certificate and the key of another are there for a while.
      await put({ cert: pair.certificate });
      await look();
      await look();
      expect(await shownAt(address)).toBe(fingerprint(before));
      const callsBefore = calls;
      await expect.poll(() => calls, { interval: 1 }).toBeGreaterThan(callsBefore + CONNECTING);
      await put({ key: pair.key });
      // Found, and found the same.
      await look();
      await look();
      expect(await shownAt(address)).toBe(fingerprint(pair));
      cat.stdin.write(`${i}\n`);
      expect(String((await echoed.next()).value)).toBe(`${i}\n`);
      before = pair;
    }
  };
  await Promise.race([rotate(), ...load]).finally(() => {
    isOver = true;
  });
  await Promise.all(load);
  expect(lines.filter(({ problem }) => problem !== undefined)).toHaveLength(ROTATIONS);
  expect(lines.filter(({ msg }) => msg === 'certificates were read again')).toHaveLength(ROTATIONS);
  cat.stdin.end();
  expect(await cat.closed).toMatchObject({ code: 0 });
});

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { expect, it } from 'vitest';
import type { Address } from '../../src/address.ts';
import { certify, makeAuthority } from '../support/certificates.ts';
import { flood } from '../support/flood.ts';
import { connectSocket } from '../support/raw-http2.ts';
import { pairOf, shakeHands, tlsFolder } from '../support/tls.ts';

/** Connections of each kind. */
const COUNT = 200;

/** What a client of TLS sends first. */
function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = new Duplex({ read() {}, write: (bytes: Buffer) => resolve(bytes) });
    connectTls({ socket, servername: 'localhost', ALPNProtocols: ['h2'] }).on('error', () => {});
  });
}

it('of handshakes of TLS that are half done ends in time, and harms nobody', async () => {
  const authority = await makeAuthority('servers');
  const folder = await tlsFolder(pairOf(await certify('server', authority)));
  const { cert, key } = folder.files;
  const hello = await clientHello();
  expect(hello.byteLength).toBeGreaterThan(100);
  const kinds: readonly (readonly Buffer[])[] = [
    [],
    [hello],
    [hello.subarray(0, 50)],
    // What comes after it is none of TLS.
    [hello, Buffer.alloc(500, 0xfe)],
    // A byte at a time.
    [...hello].map((byte) => Buffer.from([byte])),
  ];
  await flood(
    async ({ other }) => {
      if (other === undefined) throw new Error('it does not listen with TLS');
      const begun = await begin(other, kinds);
      const open = new Set(begun.map(({ socket }) => socket));
      for (const socket of open) socket.resume().once('close', () => open.delete(socket));
      for (const socket of open) if (socket.closed) open.delete(socket);
      let shaken = 0;
      while (open.size > 0) {
        for (const { left, socket } of begun) {
          const piece = left.shift();
          if (piece !== undefined && open.has(socket)) socket.write(piece);
        }
        // Whoever goes on with it is let in meanwhile.
        const secure = shakeHands(other, { ca: authority.certificate });
        await once(secure, 'secureConnect');
        secure.destroy();
        shaken += 1;
      }
      expect(shaken).toBeGreaterThan(0);
    },
    { flags: ['--listen', '127.0.0.1:0,auth=none', '--tls-cert', cert, '--tls-key', key] },
  );
});

/** As many connections of each kind, and what is still to be sent on each. */
function begin(
  address: Address,
  kinds: readonly (readonly Buffer[])[],
): Promise<readonly { readonly left: Buffer[]; readonly socket: Socket }[]> {
  const all = Array.from({ length: COUNT }, () => kinds).flat();
  return Promise.all(
    all.map(async (pieces) => ({ left: [...pieces], socket: await connectSocket(address) })),
  );
}

import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { formatAddress } from '../../../src/address.ts';
import { serveHere } from '../../support/harness.ts';
import { listenHere } from '../../support/peers.ts';

const CLIENT = fileURLToPath(new URL('../../support/undici-client.mjs', import.meta.url));

it('undici is not loaded before a dispatcher is asked for', async () => {
  const { address } = await serveHere();
  const upstream = createServer((_request, response) => response.end('here'));
  const { host, port } = await listenHere(upstream);
  const args = [CLIENT, formatAddress(address), host, String(port)];
  // It ends by itself: nothing that was used keeps it.
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(JSON.parse(stdout)).toEqual({ begun: false, used: false, asked: true });
});

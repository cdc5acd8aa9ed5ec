import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { parseAddress } from '../../src/address.ts';
import { certify, type Identity, makeAuthority } from '../support/certificates.ts';
import { connectTo } from '../support/client.ts';
import { temporaryFolder } from '../support/harness.ts';
import { MAIN } from '../support/served.ts';
import { trusting } from '../support/tls.ts';
import { type Block, readBlocks } from './pages.ts';

/** Machines without it make the same files otherwise. */
const HAS_OPENSSL = spawnSync('openssl', ['version']).stdout?.toString().startsWith('OpenSSL 3');

let blocks: readonly Block[];

beforeAll(async () => {
  blocks = await readBlocks('docs/tls.md');
});

function scriptOf(wanted: string): string {
  const { commands } = blocks.find(({ kind, name }) => kind === 'tls' && name === wanted) ?? {};
  if (commands === undefined) throw new Error(`the page has no block ${wanted}`);
  // These ports may be somebody else's, and everybody would be served.
  return `runlet() { exec "$NODE" "$MAIN" "$@"; }; ${commands.replace(/0\.0\.0\.0:\d+/g, '127.0.0.1:0')}`;
}

/** What the page makes, by OpenSSL or without. */
async function makeFiles(folder: string): Promise<void> {
  if (HAS_OPENSSL) {
    const made = spawnSync('sh', ['-euc', scriptOf('make')], { cwd: folder });
    expect([made.status, made.stderr.toString()]).toEqual([0, expect.any(String)]);
    return;
  }
  const put = async (name: string, { certificate, key }: Identity): Promise<void> => {
    await writeFile(join(folder, `${name}.crt`), certificate);
    await writeFile(join(folder, `${name}.key`), key, { mode: 0o600 });
  };
  const [servers, clients] = [await makeAuthority('servers'), await makeAuthority('clients')];
  await put('servers', servers);
  await put('clients', clients);
  await put('tls', await certify('server', servers));
  await put('build', await certify('b', clients, { uris: ['spiffe://example.org/ci/build'] }));
}

it.each([
  ['serve', 1],
  ['health', 2],
])('the server of block %s lets in the client that the page makes', async (name, listeners) => {
  const folder = await temporaryFolder();
  await makeFiles(folder);
  const child = spawn('sh', ['-euc', scriptOf(name)], {
    cwd: folder,
    env: { ...process.env, NODE: process.execPath, MAIN, XDG_STATE_HOME: folder },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(line.replace('runlet listening on ', ''));
    if (lines.length === listeners) break;
  }
  const read = (file: string): Promise<Buffer> => readFile(join(folder, file));
  const certificate = await read('servers.crt');
  const build = { certificate: await read('build.crt'), key: await read('build.key') };
  const credentials = trusting({ certificate }, build);
  const client = connectTo(parseAddress(lines[0] ?? ''), { credentials });
  expect(await client.info()).toHaveProperty('version');
});

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type RunletClient } from '../../src/client/index.ts';
import { resultOf, spawnCli } from '../support/cli.ts';
import {
  configurationIn,
  type LoggingServer,
  type ProxyName,
  type Running,
  startLoggingServer,
  startProxy,
} from './proxied.ts';

/** So many that chance does not bring all of them to one server of two. */
const SESSIONS = 32;

const PROXIES: readonly ProxyName[] = ['nginx', 'haproxy'];

/** What a session is used for in the test: an input that comes back. */
async function useSession(client: RunletClient, text: string): Promise<string> {
  const session = await client.session();
  const process = await session.start({ argv: ['/bin/cat'], stdin: 'pipe' });
  process.stdin.end(text);
  let output = '';
  for await (const chunk of process.stdout) output += String(chunk);
  await process.closed;
  expect(output).toBe(text);
  await session.close();
  return session.id;
}

/** Where it is missing it is named, or where `CI` is `true`, the tests fail. */
async function missing(name: ProxyName): Promise<string | undefined> {
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin`;
  try {
    await promisify(execFile)(name, ['-v'], { env: { ...process.env, PATH: path } });
    return undefined;
  } catch (cause) {
    if (process.env['CI'] === 'true') throw new Error(`missing: ${name}`, { cause });
    return name;
  }
}

for (const name of PROXIES) {
  const without = await missing(name);

  describe.skipIf(without)(`${name}${without === undefined ? '' : ' (skipped: missing)'}`, () => {
    let folder: string;
    let servers: readonly LoggingServer[] = [];
    let proxy: Running | undefined;
    let address: string;
    let client: RunletClient;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'runlet-test-'));
      servers = await Promise.all(
        ['a', 'b'].map((state) => startLoggingServer(join(folder, state))),
      );
      const socket = join(folder, 'front.sock');
      proxy = await startProxy(name, join(folder, 'proxy'), socket, servers);
      address = `unix:${socket}`;
      // It tries until the proxy listens.
      client = connect(address, { connectTimeoutMs: 60_000 });
    });

    afterAll(async () => {
      await client.close();
      await proxy?.stop();
      for (const server of servers) await server.stop();
      await rm(folder, { recursive: true, force: true });
    });

    it('brings all calls of a session to one server, and uses both', async () => {
      const texts = Array.from({ length: SESSIONS }, (_, i) => `session ${i}\n`);
      const ids = await Promise.all(texts.map((text) => useSession(client, text)));
      await client.close();
      // The stream of an attached session is logged when it has ended.
      const seen = async () => {
        const ended = (calls: LoggingServer['calls']) =>
          calls.filter(({ method }) => method.endsWith('/AttachSession')).length;
        return servers.reduce((sum, { calls }) => sum + ended(calls), 0);
      };
      await expect.poll(seen).toBe(SESSIONS);
      const homes = ids.map((id) =>
        servers.map(({ calls }) => calls.filter(({ sessionId }) => sessionId === id).length),
      );
      for (const [a = 0, b = 0] of homes) {
        expect(Math.min(a, b)).toBe(0);
        // Create, attach, start, write, watch and close.
        expect(Math.max(a, b)).toBeGreaterThanOrEqual(6);
      }
      for (const i of servers.keys()) {
        expect(homes.filter((counts) => (counts[i] ?? 0) > 0).length).toBeGreaterThan(0);
      }
    });

    it('lets a whole command through, with its input, output and exit code', async () => {
      const script = 'tr a-z A-Z; echo error >&2; exit 3';
      const child = spawnCli(['run', '--address', address, '--', 'sh', '-c', script]);
      child.stdin?.end('hello\n');
      const { code, stderr, stdout } = await resultOf(child);
      expect([code, stdout.toString(), stderr]).toEqual([3, 'HELLO\n', 'error\n']);
    });
  });
}

it('the README has the configuration of nginx as it is tested', async () => {
  expect(await configurationIn('README.md', 'nginx')).toBe(
    await configurationIn('docs/proxies.md', 'nginx'),
  );
});

import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseAddress } from '../../src/address.ts';
import { spawnCli } from '../support/cli.ts';
import { isStdout, readUntil } from '../support/events.ts';
import { firstLinesOf } from '../support/first-line.ts';
import { connectClients, temporaryFolder } from '../support/harness.ts';
import { serveScraped, startMetrics } from '../support/scraping.ts';
import { shellSpec } from '../support/shell.ts';

/** A status, and the first line of what is said with it. */
async function asked(where: string, path: string, init?: RequestInit): Promise<string> {
  const response = await fetch(`http://${where}${path}`, init);
  const [line = ''] = (await response.text()).split('\n');
  return `${response.status} ${line}`;
}

function bearing(token: string): RequestInit {
  return { headers: { authorization: `Bearer ${token}` } };
}

async function tokenFile(token: string, mode = 0o600): Promise<string> {
  const path = join(await temporaryFolder(), 'token');
  await writeFile(path, `${token}\n`);
  await chmod(path, mode);
  return path;
}

const BUILD = '200 # HELP runlet_build_info Always 1, with the version of the server.';
const FIRST = 'a-first-token-of-metrics';
const SECOND = 'a-second-token-of-metrics';
const ANYWHERE = { kind: 'tcp', host: '0.0.0.0', port: 0 } as const;

describe('the listener of operators', () => {
  it('lives before the server is there, and is ready with it', async () => {
    const { metrics } = await startMetrics();
    expect(await asked(metrics.where, '/livez')).toBe('200 ok');
    expect(await asked(metrics.where, '/readyz')).toBe('503 not ready');
    expect(await asked(metrics.where, '/metrics')).toBe('503 the server is starting');
    const { metrics: served } = await serveScraped();
    expect(await asked(served.where, '/readyz?verbose')).toBe('200 ok');
    expect(await asked(served.where, '/metrics')).toBe(BUILD);
  });

  it('says why the server is not ready', async () => {
    const { metrics, runlet } = await serveScraped();
    let ready = false;
    metrics.serves(runlet, () => ({ ready, reasons: ready ? [] : ['no disk', 'no memory'] }));
    const response = await fetch(`http://${metrics.where}/readyz`);
    expect([response.status, await response.text()]).toEqual([
      503,
      'not ready\nno disk\nno memory\n',
    ]);
    ready = true;
    expect(await asked(metrics.where, '/readyz')).toBe('200 ok');
  });

  it('knows three paths and two methods', async () => {
    const { metrics } = await serveScraped();
    expect(await asked(metrics.where, '/')).toBe('404 there are /metrics, /livez and /readyz');
    expect(await asked(metrics.where, '/metrics', { method: 'POST', body: 'x' })).toBe(
      '405 only GET and HEAD',
    );
    const head = await fetch(`http://${metrics.where}/metrics`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('tells metrics to whoever has the token alone, and probes nothing more', async () => {
    const metricsTokenFile = await tokenFile(FIRST);
    const server = await serveScraped({}, { metrics: ANYWHERE, metricsTokenFile });
    const { metrics, runlet } = server;
    const where = metrics.where.replace('0.0.0.0', '127.0.0.1');
    for (const wrong of [undefined, bearing(SECOND), bearing(`${FIRST}x`), bearing('')]) {
      expect(await asked(where, '/metrics', wrong)).toBe('401 no valid token');
    }
    expect(await asked(where, '/metrics', bearing(FIRST))).toBe(BUILD);
    expect(await asked(where, '/livez')).toBe('200 ok');
    metrics.serves(runlet, () => ({ ready: false, reasons: ['no disk'] }));
    const readiness = async (init?: RequestInit): Promise<string> =>
      (await fetch(`http://${where}/readyz`, init)).text();
    expect(await readiness()).toBe('not ready\n');
    expect(await readiness(bearing(FIRST))).toBe('not ready\nno disk\n');
  });

  it('has its token read again, and keeps the last that was good', async () => {
    const metricsTokenFile = await tokenFile(FIRST);
    const { metrics, reloads } = await serveScraped({}, { metricsTokenFile });
    await writeFile(metricsTokenFile, SECOND);
    await reloads.run();
    expect(await asked(metrics.where, '/metrics', bearing(FIRST))).toBe('401 no valid token');
    expect(await asked(metrics.where, '/metrics', bearing(SECOND))).toBe(BUILD);
    await writeFile(metricsTokenFile, 'short');
    await reloads.run();
    expect(await asked(metrics.where, '/metrics', bearing(SECOND))).toBe(BUILD);
  });

  it('is not opened with a token that can be guessed or read', async () => {
    const short = startMetrics({ metricsTokenFile: await tokenFile('0123456789abcde') });
    await expect(short).rejects.toThrow('it has no token of 16 characters or more');
    const open = startMetrics({ metricsTokenFile: await tokenFile(FIRST, 0o604) });
    await expect(open).rejects.toThrow('all users can read it (chmod o-r)');
  });
});

describe('a server that shuts down', () => {
  it('is not ready any more, and tells its metrics to the end', async () => {
    const folder = await temporaryFolder();
    const socket = `unix:${join(folder, 's.sock')}`;
    const where = ['--listen', socket, '--state-dir', join(folder, 'state')];
    const flags = ['--metrics', '127.0.0.1:0', '--grace', '1h', '--log-level', 'silent'];
    const child = spawnCli(['serve', ...where, ...flags]);
    onTestFinished(() => void child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    const [, line = ''] = await firstLinesOf(child, 2);
    const metrics = line.replace('runlet metrics on ', '');
    const { processes } = connectClients(parseAddress(socket));
    const script = 'trap "" TERM; echo up; while :; do sleep 1; done';
    const run = processes.run({ spec: shellSpec(script) })[Symbol.asyncIterator]();
    await readUntil(run, isStdout);
    expect(await asked(metrics, '/readyz')).toBe('200 ok');
    child.kill('SIGTERM');
    await expect.poll(() => asked(metrics, '/readyz')).toBe('503 not ready');
    expect(await asked(metrics, '/livez')).toBe('200 ok');
    expect(await asked(metrics, '/metrics')).toBe(BUILD);
    // Once more: what still runs is killed.
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });
});

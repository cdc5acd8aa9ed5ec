import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { collect } from '../support/events.ts';
import { connectClients, temporaryFolder } from '../support/harness.ts';
import { MAIN, scriptsOf, serve } from '../support/served.ts';
import { exportTo } from '../support/trace-collector.ts';

const TELLER = fileURLToPath(new URL('../support/parsed-scripts.mjs', import.meta.url));

/** Words that are in the code of a part, and in no other, bundled or not. */
const PARTS: Readonly<Record<string, string>> = {
  'prom-client': 'collectDefaultMetrics',
  'the series of metrics': 'runlet_calls_total',
  'their listener': 'there are /metrics, /livez and /readyz',
  'the file of the audit': 'the audit is written to a regular file',
  'its lines': 'LineWriter',
  traces: 'spans cannot be exported',
  OpenTelemetry: 'BatchSpanProcessorBase',
};

const METRICS = ['prom-client', 'the series of metrics', 'their listener'];
const AUDIT = ['the file of the audit', 'its lines'];
const TRACES = ['traces', 'OpenTelemetry'];

/** The parts whose code is among scripts. */
function partsIn(scripts: readonly string[]): readonly string[] {
  const paths = scripts
    .map((script) => (script.startsWith('file:') ? fileURLToPath(script) : script))
    .filter((path) => path.startsWith('/') && !path.endsWith('.test.ts'));
  expect(paths.length).toBeGreaterThan(3);
  const code = paths.map((path) => readFileSync(path, 'latin1'));
  return Object.entries(PARTS)
    .filter(([, words]) => code.some((text) => text.includes(words)))
    .map(([part]) => part);
}

/** Those that a server has loaded which was called. */
async function loadedBy(...flags: readonly string[]): Promise<readonly string[]> {
  const served = await serve(...flags);
  const { processes } = connectClients(served.address);
  await collect(processes.run({ spec: { argv: ['/bin/true'] } }));
  return partsIn(await scriptsOf(served));
}

/** Those that a program has loaded that comes to its end. */
async function loadedUntilEnd(...args: readonly string[]): Promise<readonly string[]> {
  const file = join(await temporaryFolder(), 'scripts');
  const all = ['--import', TELLER, ...args];
  await promisify(execFile)(process.execPath, all, {
    env: { ...process.env, PARSED_SCRIPTS: file },
  });
  return partsIn(JSON.parse(await readFile(file, 'utf8')));
}

describe('of metrics, audit and traces is loaded', () => {
  it('nothing without the flags', async () => {
    vi.stubEnv('OTEL_TRACES_EXPORTER', 'none');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await loadedBy()).toEqual([]);
  });

  it('what a flag asks for, and no more', async () => {
    expect(await loadedBy('--metrics', '127.0.0.1:0')).toEqual(METRICS);
    const file = join(await temporaryFolder(), 'audit');
    expect(await loadedBy('--audit', file)).toEqual(AUDIT);
    exportTo('http://127.0.0.1:1');
    expect(await loadedBy()).toEqual(TRACES);
  });

  it('nothing by the help', async () => {
    expect(await loadedUntilEnd(MAIN, '--help')).toEqual([]);
    expect(await loadedUntilEnd(MAIN, 'serve', '--help')).toEqual([]);
  });

  it('nothing by a client', async () => {
    const { address } = await serve();
    const client = fileURLToPath(new URL('../../dist/client/index.js', import.meta.url));
    const program = join(await temporaryFolder(), 'program.mjs');
    await writeFile(
      program,
      `const { connect } = await import(${JSON.stringify(client)});
      const client = connect(${JSON.stringify(formatAddress(address))});
      await client.run(['/bin/true']);
      await client.close();`,
    );
    expect(await loadedUntilEnd(program)).toEqual([]);
    expect(await loadedUntilEnd(MAIN, 'info', '--address', formatAddress(address))).toEqual([]);
  });
});

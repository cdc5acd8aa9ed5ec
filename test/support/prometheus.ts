import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './harness.ts';
import { hasTool } from './needed-tools.ts';

/** Whether Prometheus is there. */
export const HAS_PROMETHEUS = hasTool('prometheus', '--version');

/** A Prometheus that scrapes a server. */
export interface Prometheus {
  /** Asks its API, whose answers say that they are right. */
  ask<T>(path: string, query?: Readonly<Record<string, string>>): Promise<T>;
}

/** Starts one that scrapes a server each second, and evaluates rules as often; it ends with the test. */
export async function startPrometheus(
  target: string,
  ruleFiles: readonly string[],
): Promise<Prometheus> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'data'));
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: ruleFiles,
    scrape_configs: [{ job_name: 'runlet', static_configs: [{ targets: [target] }] }],
  };
  const file = join(folder, 'prometheus.yml');
  await writeFile(file, JSON.stringify(config));
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    'prometheus',
    [
      ...[`--config.file=${file}`, `--storage.tsdb.path=${join(folder, 'data')}`],
      ...[`--web.listen-address=${address}`, '--enable-feature=exemplar-storage'],
      '--log.level=error',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  const ask = async <T>(path: string, query: Readonly<Record<string, string>> = {}): Promise<T> => {
    const url = `http://${address}/api/v1/${path}?${new URLSearchParams(query)}`;
    const answer = (await (await fetch(url)).json()) as { status: string; data: T };
    if (answer.status !== 'success') throw new Error(`${url}: ${JSON.stringify(answer)}`);
    return answer.data;
  };
  for (;;) {
    const isReady = await fetch(`http://${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return { ask };
    if (child.exitCode !== null) throw new Error('Prometheus has ended');
  }
}

/** A port of the loopback interface that nobody listens on. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('there is no port');
  return address.port;
}

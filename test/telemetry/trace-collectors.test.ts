import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { parseAddress } from '../../src/address.ts';
import { spawnCli } from '../support/cli.ts';
import { collect } from '../support/events.ts';
import { firstLineOf } from '../support/first-line.ts';
import { type Clients, connectClients, temporaryFolder } from '../support/harness.ts';
import {
  type Answers,
  collectTraces,
  exportTo,
  PROTOCOLS,
  type TraceCollector,
} from '../support/trace-collector.ts';

/** Longer than any test takes, in milliseconds. */
const LONG_MS = '3600000';

const INFO = 'runlet.v1.ServerService/GetServerInfo';
const LIST = 'runlet.v1.SessionService/ListSessions';

/** A server that traces, as a process of its own, and what it logged. */
interface Traced extends Clients {
  readonly child: ChildProcess;
  readonly log: readonly string[];
}

async function serveTraced(): Promise<Traced> {
  const folder = await temporaryFolder();
  const place = ['--listen', `unix:${join(folder, 's')}`, '--state-dir', join(folder, 'state')];
  const child = spawnCli(['serve', ...place], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const log: string[] = [];
  if (child.stderr !== null) createInterface(child.stderr).on('line', (line) => log.push(line));
  const line = await firstLineOf(child);
  const address = parseAddress(line.replace('runlet listening on ', ''));
  return { ...connectClients(address), child, log };
}

/** What was said of the export so far. */
function saidOfSpans({ log }: Traced): readonly unknown[] {
  return log
    .map((line): Readonly<Record<string, unknown>> => JSON.parse(line))
    .filter(({ msg }) => /^spans /.test(String(msg)))
    .map(({ error, msg }) => [msg, error]);
}

/** Asks for its sessions again and again, until a span of that has come. */
async function untilCollected({ spans }: TraceCollector, { sessions }: Traced): Promise<void> {
  const isThere = async (): Promise<boolean> => {
    await sessions.listSessions({});
    return spans.some(({ name }) => name === LIST);
  };
  await expect.poll(isThere).toBe(true);
}

async function ends({ child }: Traced): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
}

describe.each(PROTOCOLS)('a collector that is told of spans by %s', (protocol) => {
  it('may go away, and is told again when it is back', async () => {
    const collector = await collectTraces();
    exportTo(collector.url, protocol);
    // It is not tried again for longer than a span is waited for here.
    vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '700');
    const traced = await serveTraced();
    await traced.server.getServerInfo({});
    await collector.until((spans) => spans.find(({ name }) => name === INFO));
    await collector.leave();
    await expect
      .poll(async () => {
        await collect(traced.processes.run({ spec: { argv: ['/bin/true'] } }));
        return saidOfSpans(traced).at(-1);
      })
      .toEqual(['spans cannot be exported; some may be lost', expect.any(String)]);
    await collector.comeBack();
    await untilCollected(collector, traced);
    await expect
      .poll(() => saidOfSpans(traced).at(-1))
      .toEqual(['spans are exported again', undefined]);
    await ends(traced);
  });

  it('may fail, which is told once and without what it answers', async () => {
    const collector = await collectTraces();
    collector.answer('fails');
    exportTo(collector.url, protocol);
    const traced = await serveTraced();
    const { processes } = traced;
    for (let told = 0; told < 3; told = collector.requests.length) {
      await collect(processes.run({ spec: { argv: ['/bin/true'] } }));
    }
    await expect
      .poll(() => saidOfSpans(traced))
      .toEqual([['spans cannot be exported; some may be lost', 'OTLPExporterError']]);
    collector.answer('takes');
    await untilCollected(collector, traced);
    await expect
      .poll(() => saidOfSpans(traced))
      .toEqual([
        ['spans cannot be exported; some may be lost', 'OTLPExporterError'],
        ['spans are exported again', undefined],
      ]);
    await ends(traced);
  });

  it('may hang: each call is answered, and no more is kept for it than its queue holds', async () => {
    const collector = await collectTraces();
    collector.answer('hangs');
    exportTo(collector.url, protocol);
    const [queue, batch, calls] = [20, 5, 200];
    vi.stubEnv('OTEL_BSP_MAX_QUEUE_SIZE', `${queue}`);
    vi.stubEnv('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', `${batch}`);
    // No call would be answered that waits for the end of an export.
    vi.stubEnv('OTEL_BSP_EXPORT_TIMEOUT', LONG_MS);
    vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', LONG_MS);
    const traced = await serveTraced();
    const { server } = traced;
    await server.getServerInfo({});
    await expect.poll(() => collector.requests.length).toBe(1);
    for (let call = 0; call < calls; call += 1) await server.getServerInfo({});
    expect(collector.requests.length).toBe(1);
    expect(collector.spans).toEqual([]);
    await collector.leave();
    collector.answer('takes');
    await collector.comeBack();
    await untilCollected(collector, traced);
    // What was kept has come before, as spans are told in the order in which they ended.
    const kept = collector.spans.filter(({ name }) => name === INFO).length;
    expect(kept).toBeGreaterThanOrEqual(queue);
    expect(kept).toBeLessThanOrEqual(queue + batch);
    await ends(traced);
  });
});

describe('the end of a server that traces', () => {
  it.each(['fails', 'hangs', 'away'] as const)(
    'is not held up by a collector that %s',
    async (how: Answers | 'away') => {
      const collector = await collectTraces();
      exportTo(collector.url);
      vi.stubEnv('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '5');
      vi.stubEnv('OTEL_BSP_EXPORT_TIMEOUT', LONG_MS);
      vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', LONG_MS);
      if (how !== 'away') collector.answer(how);
      const traced = await serveTraced();
      const { processes, server } = traced;
      // More than one batch, of which one is on its way.
      for (let call = 0; call < 20; call += 1) await server.getServerInfo({});
      await collect(processes.run({ spec: { argv: ['/bin/true'] } }));
      await expect.poll(() => collector.requests.length).toBeGreaterThan(0);
      if (how === 'away') await collector.leave();
      await server.getServerInfo({});
      await ends(traced);
      expect(traced.log.some((line) => line.includes('shut down'))).toBe(true);
    },
  );
});

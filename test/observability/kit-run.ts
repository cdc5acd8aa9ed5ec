import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { onTestFinished, vi } from 'vitest';
import { formatAddress, parseAddress } from '../../src/address.ts';
import type { AuditLine } from '../support/audit.ts';
import { linesOf } from '../support/audited.ts';
import { runCli, spawnCli } from '../support/cli.ts';
import { type Family, parseExposition } from '../support/exposition.ts';
import { firstLinesOf } from '../support/first-line.ts';
import { temporaryFolder } from '../support/harness.ts';
import type { CollectedSpan } from '../support/otlp.ts';
import { collectTraces, exportTo } from '../support/trace-collector.ts';

/** A line of the log about a call. */
export interface CallLine {
  readonly msg: string;
  readonly method: string;
  readonly code: string;
  readonly principal: string;
  readonly sessionId?: string;
  readonly processId?: string;
}

/** A scrape of a server. */
export interface Scrape {
  readonly format: 'openmetrics' | 'prometheus';
  readonly text: string;
  readonly families: ReadonlyMap<string, Family>;
}

/** What is known of a run of the conformance kit, by the metrics and by all else that tells of it. */
export interface KitRun {
  /** The exit code of the kit, and what it said. */
  readonly code: number | null;
  readonly report: string;
  /** Those that were made while it ran, in their order. */
  readonly scrapes: readonly Scrape[];
  /** What the metrics say now, by names and labels. */
  samples(): Promise<ReadonlyMap<string, number>>;
  readonly log: () => readonly CallLine[];
  readonly audit: () => readonly AuditLine[];
  readonly spans: readonly CollectedSpan[];
}

/** Between scrapes, in milliseconds: often enough to meet calls under way, and not all that the server does. */
const PAUSE_MS = 50;

/** Runs the kit against a server that logs, records, traces and measures, and scrapes it meanwhile. */
export async function runKit(): Promise<KitRun> {
  const collector = await collectTraces();
  exportTo(collector.url);
  onTestFinished(() => void vi.unstubAllEnvs());
  // All of them, however many there are at one time, and whatever callers say.
  vi.stubEnv('OTEL_TRACES_SAMPLER', 'always_on');
  vi.stubEnv('OTEL_BSP_MAX_QUEUE_SIZE', '1000000');
  vi.stubEnv('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '10000');
  const folder = await temporaryFolder();
  const [audit, log, socket] = [join(folder, 'audit'), join(folder, 'log'), join(folder, 'socket')];
  const logFile = await open(log, 'a');
  const child = spawnCli(
    [
      ...['serve', '--listen', `unix:${socket}`, '--state-dir', join(folder, 'state')],
      ...['--heartbeat', '0.5', '--grace', '1', '--log-level', 'debug'],
      ...['--audit', audit, '--metrics', '127.0.0.1:0'],
    ],
    { stdio: ['ignore', 'pipe', logFile.fd] },
  );
  await logFile.close();
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  const [address = '', where = ''] = (await firstLinesOf(child, 2)).map((line) =>
    line.replace(/^runlet .* on /, ''),
  );
  const scrapes: Scrape[] = [];
  const scrape = async (format: Scrape['format']): Promise<Scrape> => {
    const accept = format === 'openmetrics' ? 'application/openmetrics-text' : 'text/plain';
    const response = await fetch(`http://${where}/metrics`, { headers: { accept } });
    const text = await response.text();
    return { format, text, families: parseExposition(text, format) };
  };
  const flags = ['--address', formatAddress(parseAddress(address)), '--timeout', '200'];
  const kit = runCli(['conformance', ...flags]);
  const over = kit.then(() => true);
  for (let isOver = false; !isOver; isOver = await Promise.race([over, pause(PAUSE_MS, false)])) {
    scrapes.push(await scrape(scrapes.length % 2 === 0 ? 'prometheus' : 'openmetrics'));
  }
  const { code, stdout } = await kit;
  return {
    code,
    report: stdout.toString(),
    scrapes,
    async samples() {
      const { families } = await scrape('prometheus');
      return new Map([...families.values()].flatMap(({ samples }) => [...samples]));
    },
    log: () => callsIn(log),
    audit: () => linesOf(audit),
    spans: collector.spans,
  };
}

function callsIn(file: string): readonly CallLine[] {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as CallLine).filter(({ msg }) => msg === 'call');
}

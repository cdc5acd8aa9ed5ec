import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { Reloads } from '../../src/cli/reloads.ts';
import {
  type PlacedMetricsFlags,
  type ServedMetrics,
  serveMetrics,
} from '../../src/cli/serve-metrics.ts';
import type { ServerOptions } from '../../src/server/server-options.ts';
import { parseExposition } from './exposition.ts';
import { type ServedHere, serveHere } from './harness.ts';

/** A server in this process, whose metrics are told at a real port. */
export interface Scraped extends ServedHere {
  readonly metrics: ServedMetrics;
  readonly reloads: Reloads;
  /** What `/metrics` says, by names and labels. */
  samples(): Promise<ReadonlyMap<string, number>>;
}

/** Starts metrics, of which no server tells yet. */
export async function startMetrics(
  flags: Partial<PlacedMetricsFlags> = {},
  exemplars = false,
): Promise<{ readonly metrics: ServedMetrics; readonly reloads: Reloads }> {
  const logger = pino({ enabled: false });
  const reloads = new Reloads(logger);
  const loopback = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
  const metrics = await serveMetrics({ metrics: loopback, ...flags }, logger, reloads, exemplars);
  onTestFinished(() => metrics.close());
  return { metrics, reloads };
}

/** Starts a server that tells them. */
export async function serveScraped(
  options: Parameters<typeof serveHere>[0] & Partial<ServerOptions> = {},
  flags: Partial<PlacedMetricsFlags> = {},
): Promise<Scraped> {
  const { metrics, reloads } = await startMetrics(flags, options.tracer !== undefined);
  const served = await serveHere({ ...options, meter: metrics.meter });
  metrics.serves(served.runlet, () => served.runlet.readiness.current);
  return { ...served, metrics, reloads, samples: () => samplesAt(metrics.where) };
}

/** All samples that are told at an address. */
async function samplesAt(where: string): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`http://${where}/metrics`);
  const families = parseExposition(await response.text(), 'prometheus');
  return new Map([...families.values()].flatMap(({ samples }) => [...samples]));
}

/** Counters of runlet that moved, and by how much. */
export function moves(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Readonly<Record<string, number>> {
  const moved: Record<string, number> = {};
  for (const [key, value] of after) {
    const by = value - (before.get(key) ?? 0);
    if (/^runlet_\w+_total/.test(key) && by !== 0) moved[key] = by;
  }
  return moved;
}

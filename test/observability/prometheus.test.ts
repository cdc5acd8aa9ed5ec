import { describe, expect, it } from 'vitest';
import { collect } from '../support/events.ts';
import { connectClients } from '../support/harness.ts';
import { HAS_PROMETHEUS, type Prometheus, startPrometheus } from '../support/prometheus.ts';
import { serve } from '../support/served.ts';
import { collectTraces, exportTo } from '../support/trace-collector.ts';
import { ALERTS, PANELS, RECORDINGS, RULE_FILES } from './deployed.ts';
import { promqlBlocks } from './runbook.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const IN_TRACE = { metadata: { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` } };

/** What a query finds: series with their values. */
interface Found {
  readonly result: readonly { readonly metric: Readonly<Record<string, string>> }[];
}

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly name: string;
      readonly health: string;
      readonly state?: string;
    }[];
  }[];
}

type Exemplars = readonly {
  readonly seriesLabels: Readonly<Record<string, string>>;
  readonly exemplars: readonly { readonly labels: Readonly<Record<string, string>> }[];
}[];

/** How many series a query finds. */
async function found({ ask }: Prometheus, query: string): Promise<number> {
  return (await ask<Found>('query', { query })).result.length;
}

/** What panels show that is there only once something is wrong, or where there is a certificate. */
const WRONG = /^(?:Not ready, by reason|Certificate is over in|Refusals by limit)$/;

describe.skipIf(!HAS_PROMETHEUS)('Prometheus', () => {
  it('reads a server, and finds what the dashboard, the rules and the runbook ask for', async () => {
    exportTo((await collectTraces()).url);
    const served = await serve('--metrics', '127.0.0.1:0');
    const { processes } = connectClients(served.address);
    const prometheus = await startPrometheus(served.metrics.replace('http://', ''), RULE_FILES);
    const run = async (): Promise<void> => {
      await collect(processes.run({ spec: { argv: ['true'] } }, IN_TRACE));
      await collect(processes.run({ spec: { argv: ['/none'] } }, IN_TRACE)).catch(() => {});
    };
    // A rate takes two scrapes with something in between.
    const rates = 'instance:runlet_starts:rate10m > 0 and instance:runlet_calls:rate5m > 0';
    await expect.poll(async () => run().then(() => found(prometheus, rates))).toBe(1);

    const empty: string[] = [];
    for (const { targets = [], title } of PANELS) {
      for (const { expr } of targets) {
        const query = expr
          .replaceAll('$__rate_interval', '1m')
          .replaceAll('"$job"', '"runlet"')
          .replace(/"\$(?:instance|method)"/g, '".+"');
        const count = await found(prometheus, query);
        if (count === 0 && !WRONG.test(title)) empty.push(`${title}: ${query}`);
      }
    }
    expect(empty).toEqual([]);
    for (const query of promqlBlocks()) await found(prometheus, query);

    const exemplars = await prometheus.ask<Exemplars>('query_exemplars', {
      query: 'runlet_start_duration_seconds_bucket',
      start: String(Date.now() / 1000 - 3600),
      end: String(Date.now() / 1000 + 60),
    });
    const traces = exemplars.flatMap((series) => series.exemplars.map(({ labels }) => labels));
    expect(new Set(traces.map((labels) => JSON.stringify(labels)))).toEqual(
      new Set([JSON.stringify({ trace_id: TRACE })]),
    );
    expect(new Set(exemplars.map(({ seriesLabels }) => seriesLabels['stage']))).toEqual(
      new Set(['queue', 'prepare', 'launch']),
    );

    const rules = async () => {
      const { groups } = await prometheus.ask<Rules>('rules');
      return groups.flatMap((group) => group.rules);
    };
    const unwell = async (): Promise<readonly string[]> =>
      (await rules()).filter(({ health }) => health !== 'ok').map(({ name }) => name);
    await expect.poll(unwell).toEqual([]);
    const all = await rules();
    expect(all).toHaveLength(ALERTS.length + RECORDINGS.length);
    expect(all.filter(({ state }) => state === 'firing')).toEqual([]);
  });
});

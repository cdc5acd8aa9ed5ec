import { describe, expect, it } from 'vitest';
import { collect } from '../support/events.ts';
import { type Family, parseExposition, type ReadExemplar } from '../support/exposition.ts';
import { connectClients } from '../support/harness.ts';
import { type Served, serve } from '../support/served.ts';
import { collectTraces, exportTo } from '../support/trace-collector.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';

/** What a client sends that is in a trace, which is collected or not. */
function inTrace(flags: '00' | '01', trace = TRACE) {
  return { metadata: { traceparent: `00-${trace}-${CALLER}-${flags}` } };
}

async function scrape({ metrics }: Served): Promise<ReadonlyMap<string, Family>> {
  const headers = { accept: 'application/openmetrics-text' };
  return parseExposition(
    await (await fetch(`${metrics}/metrics`, { headers })).text(),
    'openmetrics',
  );
}

/** All examples, by the names of their families. */
async function examples(served: Served): Promise<ReadonlyMap<string, readonly ReadExemplar[]>> {
  const families = [...(await scrape(served))];
  return new Map(
    families.flatMap(([name, { exemplars }]) =>
      exemplars.size === 0 ? [] : [[name, [...exemplars.values()]]],
    ),
  );
}

const METRICS = ['--metrics', '127.0.0.1:0'];
const SPEC = { argv: ['/bin/true'] };

describe('a server that traces and measures', () => {
  it('has traces as examples of how long calls and starts took', async () => {
    exportTo((await collectTraces()).url);
    const served = await serve(...METRICS);
    const { processes } = connectClients(served.address);
    await collect(processes.run({ spec: SPEC }, inTrace('01')));
    // A client has its answer before the call is over.
    await expect
      .poll(async () => [...(await examples(served)).keys()])
      .toEqual(['runlet_call_duration_seconds', 'runlet_start_duration_seconds']);
    const all = [...(await examples(served))];
    for (const [name, found] of all) {
      for (const { labels, timestamp, value } of found) {
        expect(Object.fromEntries(labels), name).toEqual({ trace_id: TRACE });
        expect(value).toBeGreaterThan(0);
        expect(Math.abs(Date.now() / 1000 - timestamp)).toBeLessThan(600);
      }
    }
    // Stages of one start: to wait, to prepare, to launch.
    expect(all.map(([, found]) => found.length)).toEqual([1, 3]);
  });

  it('has each in the bucket that it was counted in, and the last one alone', async () => {
    exportTo((await collectTraces()).url);
    const served = await serve(...METRICS);
    const { processes } = connectClients(served.address);
    const last = TRACE.replace('4', '5');
    await collect(processes.run({ spec: SPEC }, inTrace('01')));
    for (let i = 0; i < 20; i += 1)
      await collect(processes.run({ spec: SPEC }, inTrace('01', last)));
    const run =
      /^runlet_call_duration_seconds_bucket\{le="(.*)",method="runlet.v1.ProcessService\/Run"\}$/;
    const calls = async (): Promise<Family | undefined> =>
      (await scrape(served)).get('runlet_call_duration_seconds');
    const counted = 'runlet_call_duration_seconds_count{method="runlet.v1.ProcessService/Run"}';
    await expect.poll(async () => (await calls())?.samples.get(counted)).toBe(21);
    const found = [...((await calls())?.exemplars ?? [])];
    const bounds = found.map(([key]) => Number(run.exec(key)?.[1]?.replace('+Inf', 'Infinity')));
    for (const [i, [key, { value }]] of found.entries()) {
      expect(value, key).toBeLessThanOrEqual(bounds[i] ?? 0);
      expect(value, key).toBeGreaterThan(bounds[i - 1] ?? 0);
    }
    expect(found.map(([, { labels }]) => labels.get('trace_id'))).toContain(last);
  });

  it('has none of what nobody collects', async () => {
    exportTo((await collectTraces()).url);
    const served = await serve(...METRICS);
    const { processes } = connectClients(served.address);
    await collect(processes.run({ spec: SPEC }, inTrace('00')));
    const run = 'runlet_calls_total{method="runlet.v1.ProcessService/Run",code="OK"}';
    const ran = async (): Promise<number | undefined> =>
      (await scrape(served)).get('runlet_calls')?.samples.get(run);
    await expect.poll(ran).toBe(1);
    expect(await examples(served)).toEqual(new Map());
  });
});

describe('a server that measures and does not trace', () => {
  it('has no examples, whatever its callers say', async () => {
    const served = await serve(...METRICS);
    const { processes } = connectClients(served.address);
    await collect(processes.run({ spec: SPEC }, inTrace('01')));
    const run = 'runlet_calls_total{method="runlet.v1.ProcessService/Run",code="OK"}';
    const ran = async (): Promise<number | undefined> =>
      (await scrape(served)).get('runlet_calls')?.samples.get(run);
    await expect.poll(ran).toBe(1);
    expect(await examples(served)).toEqual(new Map());
  });
});

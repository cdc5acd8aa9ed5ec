import { describe, expect, it } from 'vitest';
import { endLabel, SERIES } from '../../src/telemetry/metrics/series.ts';
import { labelsOf } from '../support/exposition.ts';
import { HAS_PROMTOOL, promtool } from '../support/promtool.ts';
import { type KitRun, runKit } from './kit-run.ts';

/** The kit is done many times over on a busy machine. */
const TIMEOUT_MS = 900_000;

type Samples = ReadonlyMap<string, number>;

/** What was told of the last run, for the test that comes after. */
let plainTexts: readonly string[] = [];

function countsOf(keys: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}

/** The numbers of a series that are not 0, by the values of its labels. */
function numbersOf(samples: Samples, name: string): Readonly<Record<string, number>> {
  const numbers: Record<string, number> = {};
  for (const [key, value] of samples) {
    if (key.replace(/\{.*/, '') !== name || value === 0) continue;
    numbers[[...labelsOf(key).values()].join(' ')] = value;
  }
  return numbers;
}

function sumOf(numbers: Readonly<Record<string, number>>): number {
  return Object.values(numbers).reduce((sum, value) => sum + value, 0);
}

/** All that is under way has come to its end, in the metrics and in all else. */
async function atRest(kit: KitRun): Promise<Samples> {
  const left = async (): Promise<unknown> => {
    const samples = await kit.samples();
    const { exited, running, starting } = numbersOf(samples, 'runlet_processes');
    return {
      calls: numbersOf(samples, 'runlet_open_streams'),
      lines: kit.log().length - sumOf(numbersOf(samples, 'runlet_calls_total')),
      processes: { starting, running, exited },
    };
  };
  await expect.poll(left).toEqual({ calls: {}, lines: 0, processes: {} });
  const samples = await kit.samples();
  const launched = samples.get('runlet_starts_total{result="ok"}') ?? 0;
  // The last spans are exported a moment later.
  await expect.poll(() => livesIn(kit).length).toBe(launched);
  return samples;
}

/** The spans of processes that somebody got. */
function livesIn({ spans }: KitRun): KitRun['spans'] {
  return spans.filter(({ attributes }) => 'runlet.process.end_reason' in attributes);
}

const STARTING = /\/(?:StartProcess|Run|Interact)$/;

describe('metrics, while the conformance kit runs', () => {
  it('count what it does, and have nothing of it in a label', { timeout: TIMEOUT_MS }, async () => {
    const kit = await runKit();
    expect(kit.code, kit.report).toBe(0);
    expect(kit.scrapes.length).toBeGreaterThan(10);
    plainTexts = kit.scrapes.filter((one) => one.format === 'prometheus').map((one) => one.text);
    const samples = await atRest(kit);
    expectCalls(kit, samples);
    expectProcesses(kit, samples);
    expectRecorded(kit, samples);
    expectAllCounted(samples);
    expectGrowing(kit);
    expectNoIds(kit);
  });

  it.skipIf(!HAS_PROMTOOL)('are read by promtool without a warning', async () => {
    expect(plainTexts.length).toBeGreaterThan(5);
    for (const text of plainTexts) {
      expect(await promtool(['check', 'metrics'], text)).toEqual({ code: 0, said: '' });
    }
  });
});

/** The log has a line for each call. */
function expectCalls(kit: KitRun, samples: Samples): void {
  const lines = kit.log();
  const served = new Set([...samples.keys()].flatMap((key) => labelsOf(key).get('method') ?? []));
  const methodOf = (path: string): string => (served.has(path.slice(1)) ? path.slice(1) : 'other');
  const logged = countsOf(lines.map(({ code, method }) => `${methodOf(method)} ${code}`));
  expect(Object.keys(logged).length).toBeGreaterThan(100);
  expect(numbersOf(samples, 'runlet_calls_total')).toEqual(logged);
  // Those that were turned away at once took no time.
  const timed = numbersOf(samples, 'runlet_call_duration_seconds_count');
  const { other: _turnedAway, ...byMethod } = countsOf(lines.map(({ method }) => methodOf(method)));
  expect(timed).toEqual(byMethod);
}

/** The audit has a line for each start, and the traces have a span for each process. */
function expectProcesses(kit: KitRun, samples: Samples): void {
  const audit = kit.audit().filter(({ action }) => STARTING.test(`/${action}`));
  const started = audit.filter(({ outcome }) => outcome === 'ok');
  const asked = kit.spans.filter(({ name }) => STARTING.test(name));
  const failed = asked.filter(({ attributes }) => {
    const reason = attributes['runlet.error.reason'];
    if (reason === 'START_FAILED' || reason === 'SANDBOX_UNAVAILABLE') return true;
    // What is wrong with a request is found before its session is, but for what the machine does not allow.
    return (
      reason === 'INVALID_REQUEST' &&
      'runlet.session.id' in attributes &&
      !('runlet.process.id' in attributes)
    );
  });
  const results = numbersOf(samples, 'runlet_starts_total');
  expect(started.length).toBeGreaterThan(500);
  expect(results).toMatchObject({ ok: started.length, failed: failed.length });
  expect(audit.filter(({ reason }) => reason === 'START_FAILED')).toHaveLength(
    failed.filter(({ attributes }) => attributes['runlet.error.reason'] === 'START_FAILED').length,
  );

  // Those that nobody wanted any more once they were launched were ended at once, and have no span.
  const launched = samples.get('runlet_start_duration_seconds_count{stage="launch"}') ?? 0;
  const discarded = launched - started.length;
  expect(discarded).toBeLessThanOrEqual(results['cancelled'] ?? 0);
  const lives = livesIn(kit);
  const reasons = lives.map(({ attributes }) =>
    endLabel(String(attributes['runlet.process.end_reason'])),
  );
  const ends = { call_cancelled: 0, ...countsOf(reasons) };
  expect(numbersOf(samples, 'runlet_ends_total')).toEqual({
    ...ends,
    call_cancelled: ends.call_cancelled + discarded,
  });

  // None of those that were discarded is one that writes.
  const written = (stream: string): number =>
    lives.reduce(
      (sum, { attributes }) =>
        sum + Number(attributes[`runlet.process.output.${stream}_bytes`] ?? 0),
      0,
    );
  expect(numbersOf(samples, 'runlet_output_bytes_total')).toEqual({
    stdout: written('stdout'),
    stderr: written('stderr'),
    terminal: written('terminal'),
  });
}

/** The audit says what else was done, and what was denied. */
function expectRecorded(kit: KitRun, samples: Samples): void {
  const audit = kit.audit();
  const ofAction = (name: string): number =>
    audit.filter(({ action, outcome }) => action === name && outcome === 'ok').length;
  expect(samples.get('runlet_takeovers_total')).toBe(ofAction('AttachSession'));
  expect(samples.get('runlet_expiries_total')).toBe(ofAction('ExpireSession'));
  expect(sumOf(numbersOf(samples, 'runlet_logins_total'))).toBe(ofAction('Login'));
  const denied = audit.filter(({ outcome }) => outcome === 'denied');
  expect(numbersOf(samples, 'runlet_denials_total')).toEqual(
    countsOf(denied.map(({ reason }) => String(reason))),
  );
  const refused = kit.spans.filter(
    ({ attributes }) => attributes['runlet.error.reason'] === 'LIMIT_EXCEEDED',
  );
  expect(sumOf(numbersOf(samples, 'runlet_refusals_total'))).toBe(refused.length);
}

/** Of which nothing else tells how much it was: tests of their own say that it is right. */
const MOVED = ['runlet_stdin_bytes_total', 'runlet_gap_bytes_total', 'runlet_evictions_total'];

/** What only a machine that fails moves. */
const UNMOVED = [
  'runlet_spool_failures_total',
  'runlet_audit_failures_total',
  'runlet_audit_lost_lines_total',
];

const COMPARED = [
  'calls',
  'starts',
  'ends',
  'output_bytes',
  'takeovers',
  'expiries',
  'logins',
  'denials',
  'refusals',
];

/** There is no counter that nothing is expected of. */
function expectAllCounted(samples: Samples): void {
  const counters = new Set([...samples.keys()].map((key) => key.replace(/\{.*/, '')));
  const own = [...counters].filter((name) => /^runlet_.*_total$/.test(name));
  const compared = COMPARED.map((name) => `runlet_${name}_total`);
  expect([...compared, ...MOVED, ...UNMOVED].sort()).toEqual(own.sort());
  for (const name of MOVED) expect(samples.get(name), name).toBeGreaterThan(0);
  for (const name of UNMOVED) expect(samples.get(name), name).toBe(0);
}

/** No counter goes back from one scrape to the next. */
function expectGrowing({ scrapes }: KitRun): void {
  const last = new Map<string, number>();
  const back: string[] = [];
  for (const { families } of scrapes) {
    for (const { samples, type } of families.values()) {
      if (type !== 'counter' && type !== 'histogram') continue;
      for (const [key, value] of samples) {
        // The formats write bounds in two ways.
        const known = key.replace(/le="(\d+)\.0"/, 'le="$1"');
        if (value < (last.get(known) ?? 0)) back.push(`${known}: ${last.get(known)}, ${value}`);
        last.set(known, value);
      }
    }
  }
  expect(last.size).toBeGreaterThan(200);
  expect(back).toEqual([]);
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;
const LONG_HEX = /[0-9a-f]{16}/i;

/** What labels are said to have. The kit has a process that is called `failed`. */
const DOCUMENTED = new Set(
  Object.values(SERIES).flatMap(({ labels }) =>
    Object.values(labels).flatMap((text) =>
      [...text.matchAll(/`([^`]+)`/g)].map(([, value = '']) => value),
    ),
  ),
);

/** Nothing of what the log and the traces name is in a label, and nothing that looks like an id. */
function expectNoIds({ log, scrapes, spans }: KitRun): void {
  const ids = new Set(
    [
      ...log().flatMap(({ principal, processId, sessionId }) => [principal, processId, sessionId]),
      ...spans.flatMap(({ attributes, traceId }) => [traceId, String(attributes['process.pid'])]),
    ].filter((id) => id !== undefined && !DOCUMENTED.has(id)),
  );
  expect(ids.size).toBeGreaterThan(2000);
  const values = new Set(
    scrapes.flatMap(({ families }) =>
      [...families.values()].flatMap(({ samples }) =>
        [...samples.keys()].flatMap((key) =>
          [...labelsOf(key)].flatMap(([label, value]) => (label === 'le' ? [] : [value])),
        ),
      ),
    ),
  );
  const found = [...values].filter(
    (value) =>
      UUID.test(value) ||
      LONG_HEX.test(value) ||
      value.split(/[\s/:]/).some((word) => ids.has(word)) ||
      ids.has(value),
  );
  expect(found).toEqual([]);
}

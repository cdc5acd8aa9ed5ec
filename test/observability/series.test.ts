import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { LimitsSchema } from '../../src/gen/runlet/v1/server_pb.ts';
import { labelsOf } from '../support/exposition.ts';
import { isMatched, type Matcher, namedIn } from '../support/promql.ts';
import { ALERTS, DASHBOARD, PANELS, RECORDINGS, RULE_TEST_BLOCKS } from './deployed.ts';
import { promqlBlocks } from './runbook.ts';
import { scrapeAll } from './scrape-all.ts';

/** What is there only once a call has ended so. */
const OF_CALLS: ReadonlyMap<string, readonly string[]> = new Map([
  ['code', Object.keys(status)],
  ['limit', LimitsSchema.fields.map(({ name }) => name)],
]);

/** What Prometheus adds to all that it reads. */
const OF_TARGETS = ['job', 'instance'];

/** What Prometheus says itself of what it reads. */
const OWN: Known = new Map([['up', new Map()]]);

/** The values of each label of each series; none of those that are made up by whoever asks. */
type Known = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

let scraped: Promise<Known> | undefined;

/** Every series that a server has; one is scraped by the first test that asks. */
function told(): Promise<Known> {
  scraped ??= scrapeAll().then(({ keys }) => seriesOf(keys));
  return scraped;
}

function seriesOf(keys: readonly string[]): Known {
  const series = new Map<string, Map<string, Set<string>>>();
  for (const key of keys) {
    const name = key.replace(/\{.*/, '');
    const values = series.get(name) ?? new Map<string, Set<string>>();
    series.set(name, values);
    for (const [label, value] of labelsOf(key)) {
      values.set(label, (values.get(label) ?? new Set()).add(value));
    }
  }
  return series;
}

/** The labels of what is recorded: its level names them, and the rule says them. */
function recordedLabels(name: string): readonly string[] | undefined {
  const rules = RECORDINGS.filter(({ record }) => record === name);
  if (rules.length === 0) return undefined;
  const [level = ''] = name.split(':');
  return level.split('_').slice(1);
}

/** What a query asks for that nothing has: the name, a label, or a value of one. */
function unknownIn(query: string, series: Known): readonly string[] {
  const { labels, selectors } = namedIn(query);
  const faults: string[] = [];
  const known = new Set(OF_TARGETS);
  for (const { matchers, name } of selectors) {
    const values = series.get(name) ?? OWN.get(name);
    const names = recordedLabels(name) ?? (values && [...values.keys()]);
    if (names === undefined) {
      faults.push(name);
      continue;
    }
    for (const label of names) known.add(label);
    for (const matcher of matchers) {
      if (OF_TARGETS.includes(matcher.label) || matcher.value.startsWith('$')) continue;
      if (!names.includes(matcher.label)) faults.push(`${name}{${matcher.label}}`);
      else if (!canMatch(matcher, values?.get(matcher.label))) {
        faults.push(`${name}{${matcher.label}${matcher.op}"${matcher.value}"}`);
      }
    }
  }
  return [...faults, ...labels.filter((label) => !known.has(label))];
}

/** Whether there is, or can be, something that is let through, by each of what is named. */
function canMatch({ label, op, value }: Matcher, values: ReadonlySet<string> | undefined): boolean {
  const all = OF_CALLS.get(label) ?? [...(values ?? [])];
  // Of what is recorded, values are those of what it is made of.
  if (all.length === 0) return true;
  const alternatives = /^[\w|]+$/.test(value) ? value.split('|') : [value];
  return alternatives.every((one) =>
    all.some((found) => isMatched({ label, op: op.endsWith('~') ? '=~' : '=', value: one }, found)),
  );
}

const GRAFANA_VARIABLES = /^label_values\((?<expr>.*), \w+\)$/;

/** The same of several, by a server that is scraped. */
async function unknownInAll(queries: readonly string[]): Promise<readonly string[]> {
  const series = await told();
  return queries.flatMap((query) => unknownIn(query, series));
}

describe('every series that is named', () => {
  it.each([
    ['sum by (reason) (rate(runlet_denials_total{reason="POLICY_DENIED"}[5m]))'],
    ['rate(runlet_denial_total[5m]) > 5', 'runlet_denial_total'],
    ['runlet_unready{reason="disk"}', 'runlet_unready{reason="disk"}'],
    ['runlet_ready{reason!="disk"}', 'runlet_ready{reason}'],
    ['sum without (method, kind) (runlet_open_streams)', 'kind'],
    ['runlet_calls_total{code=~"INTERNAL|FAULT"}', 'runlet_calls_total{code=~"INTERNAL|FAULT"}'],
    ['instance:runlet_calls:rate1m', 'instance:runlet_calls:rate1m'],
    ['instance:runlet_calls:rate5m{tier="files"}', 'instance:runlet_calls:rate5m{tier}'],
  ])('is found not to be there: %s', async (query, ...faults) => {
    expect(await unknownInAll([query])).toEqual(faults);
  });

  it.each(RECORDINGS.map(({ expr, record }) => [record, expr]))(
    'by the rule that records %s is told by a server',
    async (_record, expr) => {
      expect(await unknownInAll([expr])).toEqual([]);
    },
  );

  it.each(ALERTS.map(({ alert, expr }) => [alert, expr]))(
    'by %s is told by a server, or recorded',
    async (_alert, expr) => {
      expect(await unknownInAll([expr])).toEqual([]);
    },
  );

  it.each(PANELS.map(({ targets = [], title }) => ({ title, targets })))(
    'by the panel $title is told by a server, or recorded',
    async ({ targets }) => {
      expect(await unknownInAll(targets.map(({ expr }) => expr))).toEqual([]);
    },
  );

  it('by the variables and marks of the dashboard is told by a server', async () => {
    const { annotations, templating } = DASHBOARD;
    const queries = templating.list.flatMap(({ query }) => {
      const text = typeof query === 'string' ? query : query.query;
      return GRAFANA_VARIABLES.exec(text)?.groups?.['expr'] ?? [];
    });
    expect(queries).toHaveLength(3);
    const marks = annotations.list.map(({ expr }) => expr);
    expect(await unknownInAll([...queries, ...marks])).toEqual([]);
  });

  it('by the runbook is told by a server, or recorded', async () => {
    const queries = promqlBlocks();
    expect(queries.length).toBeGreaterThan(20);
    expect(await unknownInAll(queries)).toEqual([]);
  });

  it('by the tests of alerts is told by a server', async () => {
    const series = RULE_TEST_BLOCKS.flatMap((block) => block.input_series.map((one) => one.series));
    const others = series.filter((one) => !/job="another"/.test(one));
    expect(others.length).toBeGreaterThan(50);
    expect(await unknownInAll(others)).toEqual([]);
  });
});

describe('what is recorded', () => {
  it('is asked for by an alert or a panel', () => {
    const queries = [
      ...ALERTS.map(({ expr }) => expr),
      ...RECORDINGS.map(({ expr }) => expr),
      ...PANELS.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ];
    const asked = new Set(queries.flatMap((one) => namedIn(one).selectors).map(({ name }) => name));
    expect(RECORDINGS.map(({ record }) => record).filter((name) => !asked.has(name))).toEqual([]);
  });
});

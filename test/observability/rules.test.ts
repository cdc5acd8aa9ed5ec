import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/harness.ts';
import { HAS_PROMTOOL, promtool } from '../support/promtool.ts';
import { ALERTS, PANELS, RULE_FILES, RULE_TEST_BLOCKS, RULE_TEST_FILES } from './deployed.ts';
import { promqlBlocks } from './runbook.ts';
import { scrapeAll } from './scrape-all.ts';

const NAMES = ALERTS.map(({ alert }) => alert);

/** The names of alerts that some blocks expect to fire, or not to. */
function expected(blocks: typeof RULE_TEST_BLOCKS, fires: boolean): ReadonlySet<string> {
  const all = blocks.flatMap((block) => block.alert_rule_test);
  return new Set(
    all
      .filter(({ exp_alerts }) => exp_alerts.length > 0 === fires)
      .map(({ alertname }) => alertname),
  );
}

describe('the alerts', () => {
  it('each have a test in which they fire, and one in which nothing is wrong', () => {
    expect(new Set(NAMES).size).toBe(NAMES.length);
    expect([...expected(RULE_TEST_BLOCKS, true)].sort()).toEqual([...NAMES].sort());
    const healthy = RULE_TEST_BLOCKS.filter(({ name }) => name === 'healthy');
    expect([...expected(healthy, false)].sort()).toEqual([...NAMES].sort());
    expect(expected(healthy, true)).toEqual(new Set());
    // Each block is about the alert that it is named for.
    const others = RULE_TEST_BLOCKS.filter(({ name }) => name !== 'healthy').filter(
      ({ alert_rule_test, name }) => alert_rule_test.some(({ alertname }) => alertname !== name),
    );
    expect(others.map(({ name }) => name)).toEqual([]);
  });

  it.each(ALERTS)('say how bad it is, what is wrong and what to do: $alert', (alert) => {
    expect(alert.alert).toMatch(/^Runlet[A-Z]\w+$/);
    expect(alert.labels['severity']).toMatch(/^(?:critical|warning)$/);
    const { description, runbook_url: runbook, summary, ...others } = alert.annotations;
    expect(others).toEqual({});
    expect(summary).toMatch(/runlet|at \{\{ \$labels\.instance \}\}/);
    expect(description).toMatch(/^.{20,}\.$/);
    expect(runbook).toBe(
      `https://github.com/runlet/runlet/blob/main/docs/runbook.md#${alert.alert.toLowerCase()}`,
    );
  });
});

describe.skipIf(!HAS_PROMTOOL)('promtool', () => {
  it('finds nothing wrong with the rules', async () => {
    const { code, said } = await promtool(['check', 'rules', ...RULE_FILES]);
    expect([code, said.match(/SUCCESS/g)?.length], said).toEqual([0, RULE_FILES.length]);
  });

  it('finds nothing wrong with the queries of the dashboard and the runbook', async () => {
    const panels = PANELS.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    const queries = [...panels, ...promqlBlocks()];
    const rules = queries.map((expr, i) => ({
      record: `query:${i}`,
      expr: expr.replaceAll('$__rate_interval', '5m'),
    }));
    const file = join(await temporaryFolder(), 'queries.json');
    await writeFile(file, JSON.stringify({ groups: [{ name: 'queries', rules }] }));
    const { code, said } = await promtool(['check', 'rules', file]);
    expect(code, said).toBe(0);
    expect(said).toContain(`SUCCESS: ${queries.length} rules found`);
  });

  it.each(RULE_TEST_FILES)(
    'has alerts fire where they are to, and only there: %s',
    async (file) => {
      const { code, said } = await promtool(['test', 'rules', file]);
      expect(code, said).toBe(0);
    },
  );

  it('reads what a server tells, without a warning', async () => {
    const { text } = await scrapeAll();
    expect(await promtool(['check', 'metrics'], text)).toEqual({ code: 0, said: '' });
    // It would say so otherwise.
    const wrong = await promtool(
      ['check', 'metrics'],
      text.replace('# TYPE runlet_ready gauge\n', '# TYPE runlet_ready counter\n'),
    );
    expect(wrong.said).toContain('runlet_ready counter metrics should have "_total" suffix');
  });
});

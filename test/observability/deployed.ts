import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** What operators load into Prometheus and Grafana. */
const FOLDER = new URL('../../deploy/observability/', import.meta.url);

/** Tests of the alerts, as promtool has them. */
const RULE_TESTS = new URL('./rules/', import.meta.url);

/** A rule that records what a query finds. */
export interface Recording {
  readonly record: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A rule that alerts. */
export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A block of a test of promtool. */
export interface RuleTest {
  readonly name: string;
  readonly input_series: readonly { readonly series: string; readonly values: string }[];
  readonly alert_rule_test: readonly {
    readonly alertname: string;
    readonly eval_time: string;
    readonly exp_alerts: readonly { readonly exp_labels: Readonly<Record<string, string>> }[];
  }[];
}

/** A query of a panel. */
interface Target {
  readonly datasource: unknown;
  readonly expr: string;
  readonly legendFormat: string;
}

/** A panel of Grafana. */
export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: unknown;
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly gridPos: Readonly<Record<'h' | 'w' | 'x' | 'y', number>>;
  readonly targets?: readonly Target[];
}

/** What whoever looks chooses. */
interface Variable {
  readonly name: string;
  readonly query: string | { readonly query: string };
}

/** A dashboard of Grafana. */
export interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly Variable[];
  };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
}

const rulesOf = (name: string): readonly unknown[] => {
  const { groups } = parse(readText(`prometheus/${name}.yml`)) as {
    readonly groups: readonly { readonly rules: readonly unknown[] }[];
  };
  return groups.flatMap(({ rules }) => rules);
};

/** The paths of the rules. */
export const RULE_FILES = ['recording-rules', 'alerts'].map((name) =>
  fileURLToPath(new URL(`prometheus/${name}.yml`, FOLDER)),
);

/** What is recorded. */
export const RECORDINGS = rulesOf('recording-rules') as readonly Recording[];

/** All alerts. */
export const ALERTS = rulesOf('alerts') as readonly Alert[];

/** The dashboard. */
export const DASHBOARD = JSON.parse(readText('grafana/runlet.json')) as Dashboard;

/** The panels that show something. */
export const PANELS = DASHBOARD.panels.filter(({ type }) => type !== 'row');

/** The paths of the tests of alerts. */
export const RULE_TEST_FILES = readdirSync(RULE_TESTS).map((name) =>
  fileURLToPath(new URL(name, RULE_TESTS)),
);

/** All their blocks. */
export const RULE_TEST_BLOCKS = RULE_TEST_FILES.flatMap(
  (file) => (parse(readFileSync(file, 'utf8')) as { readonly tests: readonly RuleTest[] }).tests,
);

function readText(path: string): string {
  return readFileSync(new URL(path, FOLDER), 'utf8');
}

/*
 * How metrics are written, in both formats that Prometheus reads. prom-client writes OpenMetrics
 * itself, but takes `_total` off the names of counters for good when it does, and its "Nan" and
 * bounds such as `le="1"` are not what that format asks for.
 */

/** A format. */
export type Format = 'prometheus' | 'openmetrics';

/** The media types of the formats. */
export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** One of what was measured, as an example. */
export interface Exemplar {
  /** Which one it was. */
  readonly labelSet: Readonly<Record<string, string>>;
  readonly value: number;
  /** When, in seconds since 1970. */
  readonly timestamp?: number;
}

/** One number of a metric. */
export interface Sample {
  readonly value: number;
  readonly labels: Readonly<Partial<Record<string, string | number>>>;
  /** Where it is another than the metric's: `…_bucket`. */
  readonly metricName?: string;
  /** Of a bucket: the last of those in it that was traced. Plain text has no place for it. */
  readonly exemplar?: Exemplar | null;
}

/** A metric and its numbers. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  /** `counter`, `gauge`, `histogram` or `summary`. */
  readonly type: unknown;
  readonly values: readonly Sample[];
}

const TOTAL = /_total$/;

/** Writes metrics in a format. */
export function exposition(metrics: readonly Metric[], format: Format): string {
  const isOpen = format === 'openmetrics';
  const lines: string[] = [];
  for (const { help, name, type, values } of metrics) {
    // The name of a counter is without what its numbers have: OpenMetrics 1.0, "Counter".
    const family = isOpen && type === 'counter' ? name.replace(TOTAL, '') : name;
    lines.push(`# HELP ${family} ${escaped(help, isOpen)}`, `# TYPE ${family} ${String(type)}`);
    for (const { exemplar, labels, metricName = name, value } of values) {
      const told = isOpen ? exemplarText(exemplar) : '';
      lines.push(`${metricName}${labelText(labels, isOpen)} ${numberText(value)}${told}`);
    }
  }
  if (isOpen) lines.push('# EOF');
  return `${lines.join('\n')}\n`;
}

function labelText(labels: Sample['labels'], isOpen: boolean): string {
  const pairs = Object.entries(labels).map(([name, value = '']) => {
    const text = name === 'le' && isOpen ? boundText(String(value)) : String(value);
    return `${name}="${escaped(text, true)}"`;
  });
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** OpenMetrics 1.0, "Exemplars". */
function exemplarText(exemplar: Exemplar | null | undefined): string {
  if (exemplar === null || exemplar === undefined) return '';
  const { labelSet, timestamp, value } = exemplar;
  const when = timestamp === undefined ? '' : ` ${numberText(timestamp)}`;
  return ` # ${labelText(labelSet, true)} ${numberText(value)}${when}`;
}

/** OpenMetrics has bounds as floats: "Considerations: Canonical Numbers". */
function boundText(text: string): string {
  return /^\d+$/.test(text) ? `${text}.0` : text;
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}

function escaped(text: string, quotes: boolean): string {
  const safe = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return quotes ? safe.replaceAll('"', '\\"') : safe;
}

/**
 * The format that a header `Accept` asks for: OpenMetrics where it names it, and not as worse than
 * plain text. Default: Prometheus's text.
 */
export function formatFor(accept: string | undefined): Format {
  const openMetrics = weightOf(accept, 'application/openmetrics-text');
  const plain = weightOf(accept, 'text/plain');
  return openMetrics > 0 && openMetrics >= plain ? 'openmetrics' : 'prometheus';
}

/** How much a media type is wanted: the `q` of RFC 9110, section 12.5.1; 0: it is not named. */
function weightOf(accept: string | undefined, type: string): number {
  let best = 0;
  for (const part of (accept ?? '').split(',')) {
    const [name = '', ...parameters] = part.split(';').map((word) => word.trim().toLowerCase());
    if (name !== type) continue;
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    const weight = q === undefined ? 1 : Number(q.slice('q='.length));
    if (weight > best) best = weight;
  }
  return best;
}

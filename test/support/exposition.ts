/** A metric as a scrape tells it. */
export interface Family {
  readonly type: string;
  readonly help: string;
  /** Its numbers, by name and labels as they are written. */
  readonly samples: ReadonlyMap<string, number>;
  /** What some of its buckets have as an example, by the same. */
  readonly exemplars: ReadonlyMap<string, ReadExemplar>;
}

/** An example of what was measured. */
export interface ReadExemplar {
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const VALUE = '[-+]?(?:\\d+(?:\\.\\d+)?(?:e[-+]?\\d+)?|Inf)|NaN';
const META = new RegExp(`^# (?<kind>HELP|TYPE) (?<name>${NAME}) (?<rest>.+)$`);
const LABELS = '\\{(?:[^"\\n]|"(?:[^"\\\\\\n]|\\\\[\\\\n"])*")*\\}';
const EXEMPLAR = `(?<exemplar>${LABELS}) (?<exemplary>${VALUE}) (?<timestamp>\\d+(?:\\.\\d+)?)`;
const SAMPLE = new RegExp(
  `^(?<key>(?<name>${NAME})(?:${LABELS})?) (?<value>${VALUE})(?: # ${EXEMPLAR})?$`,
);
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)/gy;

/** What the names of the samples of a family may end with, by its type. */
const SUFFIXES: Readonly<Record<string, RegExp>> = {
  counter: /^(?:_total)?$/,
  gauge: /^$/,
  histogram: /^(?:_bucket|_sum|_count)$/,
};

/** The labels of a sample, of which each must be well formed. */
export function labelsOf(key: string): ReadonlyMap<string, string> {
  const text = /\{(.*)\}$/.exec(key)?.[1] ?? '';
  const labels = new Map<string, string>();
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, name = '', value = ''] = LABEL.exec(text) ?? [];
    if (name === '' || labels.has(name)) throw new Error(`these labels are wrong: ${text}`);
    labels.set(name, value);
  }
  return labels;
}

/** A family that is being read. */
interface OpenFamily extends Family {
  readonly samples: Map<string, number>;
  readonly exemplars: Map<string, ReadExemplar>;
}

/**
 * Reads a scrape as strictly as its format says, by names of families: each has its HELP and TYPE
 * before its samples, which stand together, each once.
 */
export function parseExposition(
  text: string,
  format: 'prometheus' | 'openmetrics',
): ReadonlyMap<string, Family> {
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new Error('the last line is not ended');
  if (format === 'openmetrics' && lines.pop() !== '# EOF') throw new Error('there is no EOF');
  const families = new Map<string, OpenFamily>();
  let help: RegExpMatchArray['groups'];
  let current = '';
  for (const line of lines) {
    const meta = META.exec(line)?.groups;
    if (meta?.['kind'] === 'HELP') {
      help = meta;
    } else if (meta !== undefined) {
      current = meta['name'] ?? '';
      if (help?.['name'] !== current || families.has(current)) throw new Error(`twice: ${line}`);
      const type = meta['rest'] ?? '';
      const maps = { samples: new Map(), exemplars: new Map() };
      families.set(current, { type, help: help['rest'] ?? '', ...maps });
    } else {
      const groups = SAMPLE.exec(line)?.groups ?? {};
      const { key = '', name = '', value = '' } = groups;
      const family = families.get(current);
      const suffix = name.slice(current.length);
      if (family === undefined || !name.startsWith(current)) throw new Error(`alone: ${line}`);
      if (SUFFIXES[family.type]?.test(suffix) !== true) throw new Error(`not of it: ${line}`);
      if (family.samples.has(key)) throw new Error(`twice: ${line}`);
      labelsOf(key);
      family.samples.set(key, numberOf(value));
      if (groups['exemplar'] === undefined) continue;
      if (format !== 'openmetrics' || suffix !== '_bucket') throw new Error(`no place: ${line}`);
      family.exemplars.set(key, exemplarOf(groups));
    }
  }
  for (const [name, { type }] of families) assertNamed(name, type, format);
  return families;
}

/** OpenMetrics 1.0, "Exemplars": their labels have 128 characters at most. */
function exemplarOf(groups: Readonly<Record<string, string>>): ReadExemplar {
  const labels = labelsOf(groups['exemplar'] ?? '');
  if ([...labels].flat().join('').length > 128) throw new Error('these labels are too long');
  const { exemplary = '', timestamp = '' } = groups;
  return { labels, value: numberOf(exemplary), timestamp: numberOf(timestamp) };
}

function numberOf(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}

function assertNamed(name: string, type: string, format: 'prometheus' | 'openmetrics'): void {
  const isTotal = name.endsWith('_total');
  const mayBeTotal = type === 'counter' && format === 'prometheus';
  if (isTotal !== mayBeTotal) throw new Error(`${name} is no name of a ${type} in ${format}`);
}

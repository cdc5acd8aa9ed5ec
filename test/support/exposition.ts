/** A metric as a scrape tells it. */
export interface Family {
  readonly type: string;
  readonly help: string;
  /** Its numbers, by name and labels as they are written. */
  readonly samples: ReadonlyMap<string, number>;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const VALUE = '[-+]?(?:\\d+(?:\\.\\d+)?(?:e[-+]?\\d+)?|Inf)|NaN';
const META = new RegExp(`^# (?<kind>HELP|TYPE) (?<name>${NAME}) (?<rest>.+)$`);
const SAMPLE = new RegExp(`^(?<key>(?<name>${NAME})(?:\\{(?<labels>.*)\\})?) (?<value>${VALUE})$`);
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
  const families = new Map<string, Family & { readonly samples: Map<string, number> }>();
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
      families.set(current, { type, help: help['rest'] ?? '', samples: new Map() });
    } else {
      const { key = '', name = '', value = '' } = SAMPLE.exec(line)?.groups ?? {};
      const family = families.get(current);
      const suffix = name.slice(current.length);
      if (family === undefined || !name.startsWith(current)) throw new Error(`alone: ${line}`);
      if (SUFFIXES[family.type]?.test(suffix) !== true) throw new Error(`not of it: ${line}`);
      if (family.samples.has(key)) throw new Error(`twice: ${line}`);
      labelsOf(key);
      family.samples.set(key, Number(value.replace('Inf', 'Infinity')));
    }
  }
  for (const [name, { type }] of families) assertNamed(name, type, format);
  return families;
}

function assertNamed(name: string, type: string, format: 'prometheus' | 'openmetrics'): void {
  const isTotal = name.endsWith('_total');
  const mayBeTotal = type === 'counter' && format === 'prometheus';
  if (isTotal !== mayBeTotal) throw new Error(`${name} is no name of a ${type} in ${format}`);
}

/** What a series has to be to be meant. */
export interface Matcher {
  readonly label: string;
  readonly op: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

/** Series that a query asks for. */
export interface Selector {
  readonly name: string;
  readonly matchers: readonly Matcher[];
}

/** What a query of Prometheus names. */
export interface Named {
  readonly selectors: readonly Selector[];
  /** The labels that it keeps, drops or compares. */
  readonly labels: readonly string[];
}

const TOKEN =
  /\s+|(?<string>"(?:[^"\\]|\\.)*")|(?<range>\[[^\]]*\])|(?<number>\d[\w.]*)|(?<name>[a-zA-Z_:][\w:]*)|(?<op>=~|!~|[!=<>]=|[-+*/%^(){},=<>])/gy;

/** What is followed by labels in parentheses. */
const GROUPING = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);
const AGGREGATED = new Set(['by', 'without']);
const OPERATORS = new Set(['and', 'or', 'unless', 'offset', 'bool', 'inf', 'nan']);

interface Token {
  readonly kind: 'string' | 'range' | 'number' | 'name' | 'op';
  readonly text: string;
}

/** Finds what a query names. It reads no more of PromQL than that takes; promtool says whether it is right. */
export function namedIn(query: string): Named {
  const tokens = tokensOf(query);
  const selectors: Selector[] = [];
  const labels: string[] = [];
  for (let i = 0; i < tokens.length; i += 1) {
    const { kind, text } = at(tokens, i);
    const opens = tokens[i + 1]?.text ?? '';
    // An aggregation may say its labels before what it is of.
    if (kind !== 'name' || OPERATORS.has(text) || AGGREGATED.has(opens)) continue;
    if (GROUPING.has(text)) {
      if (opens !== '(') continue;
      const end = tokens.findIndex((token, j) => j > i && token.text === ')');
      const inside = tokens.slice(i + 2, end).filter((token) => token.kind === 'name');
      labels.push(...inside.map((token) => token.text));
      i = end;
    } else if (opens === '{') {
      const end = tokens.findIndex((token, j) => j > i && token.text === '}');
      selectors.push({ name: text, matchers: matchersOf(tokens.slice(i + 2, end)) });
      i = end;
    } else if (opens !== '(') {
      selectors.push({ name: text, matchers: [] });
    }
  }
  return { selectors, labels };
}

/** Whether a value is one that a matcher lets through. */
export function isMatched({ op, value: expected }: Matcher, value: string): boolean {
  const found = op.endsWith('~') ? new RegExp(`^(?:${expected})$`).test(value) : value === expected;
  return op.startsWith('!') ? !found : found;
}

function matchersOf(tokens: readonly Token[]): readonly Matcher[] {
  const matchers: Matcher[] = [];
  for (let i = 0; i < tokens.length; i += 4) {
    const [label, op, value, comma] = [0, 1, 2, 3].map((offset) => tokens[i + offset]);
    if (label?.kind !== 'name' || value?.kind !== 'string' || (comma?.text ?? ',') !== ',') {
      throw new Error(`these are no matchers: ${tokens.map(({ text }) => text).join(' ')}`);
    }
    const text = value.text.slice(1, -1).replace(/\\(.)/g, '$1');
    matchers.push({ label: label.text, op: op?.text as Matcher['op'], value: text });
  }
  return matchers;
}

function tokensOf(query: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < query.length) {
    const from = TOKEN.lastIndex;
    const groups = TOKEN.exec(query)?.groups;
    if (groups === undefined) throw new Error(`what is ${query.slice(from)}`);
    for (const kind of ['string', 'range', 'number', 'name', 'op'] as const) {
      const text = groups[kind];
      if (text !== undefined) tokens.push({ kind, text });
    }
  }
  return tokens;
}

function at(tokens: readonly Token[], index: number): Token {
  const token = tokens[index];
  if (token === undefined) throw new Error('it ends too early');
  return token;
}

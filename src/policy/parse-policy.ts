import { NamePattern } from '../environment/name-pattern.ts';
import { GRANTS, grantSet } from '../identity/grants.ts';
import { AUTH_KINDS } from '../identity/principal.ts';
import {
  MAX_ENV_PATTERN_BYTES,
  MAX_ENV_PATTERNS,
  MAX_LABEL_KEY_BYTES,
  MAX_POLICY_PATTERN_BYTES,
} from '../limits.ts';
import { YamlSource } from '../yaml-source.ts';
import { parseLimitsRule } from './parse-limits-rule.ts';
import { PathPattern } from './path-pattern.ts';
import type { EnvironmentRule, Policy, PolicyEntry } from './policy.ts';

type Value = YamlSource['root'];

/**
 * What brings other code into any program: of the dynamic loader, the C library and the shells,
 * whose scripts a function of the caller's, or a file that is read first, would change.
 * Where programs are restricted, they may not be set unless the policy says what may be.
 */
const CODE_VARIABLES = [
  ...['LD_*', 'DYLD_*', 'GCONV_PATH', 'GLIBC_TUNABLES'],
  ...['BASH_ENV', 'BASH_FUNC_*', 'BASHOPTS', 'ENV', 'PS4', 'SHELLOPTS', 'ZDOTDIR'],
];

/** The keys of an entry. */
interface EntryFields extends Omit<PolicyEntry, 'environment'> {
  readonly environment: Partial<Pick<EnvironmentRule, 'inherit' | 'set' | 'forbid'>>;
}

/**
 * Reads a policy; docs/policy.md says what is in it.
 *
 * @throws SourceError that says what is wrong first, and where
 */
export function parsePolicy(text: string): Policy {
  const source = new YamlSource(text);
  const { principals } = source.fields(source.root, {
    principals: (value) => source.list(value, (item) => parseEntry(source, item)),
  });
  return { entries: principals ?? source.fail(source.root, 'principals is missing') };
}

function parseEntry(source: YamlSource, value: Value): PolicyEntry {
  const paths = (list: Value): readonly PathPattern[] =>
    source.list(list, (item) => new PathPattern(absolutePath(source, item)));
  const fields = source.fields<EntryFields>(value, {
    match: (list) => source.list(list, (item) => principalPattern(source, item)),
    grants: (list) => grantSet(source.list(list, (item) => source.word(item, GRANTS))),
    programs: paths,
    folders: (list) => source.list(list, (item) => treePatterns(source, item)).flat(),
    environment: (rule) => parseEnvironment(source, rule),
    terminals: (flag) => source.flag(flag),
    users: (list) =>
      source.list(
        list,
        (item) => new PathPattern(boundedText(source, item, source.text(item, true))),
      ),
    limits: (rule) => parseLimitsRule(source, rule),
    labels: (labels) => parseLabels(source, labels),
  });
  const { match, environment = {}, programs } = fields;
  return {
    match: match ?? source.fail(value, 'match is missing: whom is this about?'),
    grants: fields.grants,
    programs,
    folders: fields.folders,
    environment: {
      inherit: environment.inherit,
      set: environment.set,
      forbid: [
        ...(environment.forbid ?? []),
        ...(programs !== undefined && environment.set === undefined
          ? CODE_VARIABLES.map((pattern) => new NamePattern(pattern))
          : []),
      ],
    },
    terminals: fields.terminals ?? true,
    users: fields.users,
    limits: fields.limits ?? parseLimitsRule(source, undefined),
    labels: fields.labels ?? new Map(),
  };
}

/** `*`, or the kind of a caller and a pattern of its name. */
function principalPattern(source: YamlSource, value: Value): PathPattern {
  const text = boundedText(source, value, source.text(value));
  if (/^\*+$/.test(text)) return new PathPattern('**');
  const [kind] = text.split(':', 1);
  if (kind === text || !AUTH_KINDS.some((known) => known === kind)) {
    source.fail(value, `this must be * or begin with one of ${AUTH_KINDS.join(':, ')}:`);
  }
  return new PathPattern(text);
}

/** A pattern of what is a path as the system tells it: from the root, without detours. */
function absolutePath(source: YamlSource, value: Value): string {
  const path = boundedText(source, value, source.text(value));
  if (!path.startsWith('/')) source.fail(value, 'this must be an absolute path');
  if (/\/(?:\.{0,2}\/|\.{1,2}$)|.\/$/.test(path)) {
    source.fail(
      value,
      'this must be a path without "//", "." and "..", and without "/" at its end',
    );
  }
  return path;
}

/** A folder, and all that is below it. */
function treePatterns(source: YamlSource, value: Value): readonly PathPattern[] {
  const path = absolutePath(source, value);
  return [new PathPattern(path), new PathPattern(path === '/' ? '/**' : `${path}/**`)];
}

function parseEnvironment(source: YamlSource, value: Value): EntryFields['environment'] {
  const names = (list: Value): readonly NamePattern[] => {
    const patterns = source.list(list, (item) => variableName(source, item));
    const bytes = patterns.reduce((sum, pattern) => sum + Buffer.byteLength(pattern), 0);
    if (patterns.length > MAX_ENV_PATTERNS || bytes > MAX_ENV_PATTERN_BYTES) {
      const most = `${MAX_ENV_PATTERNS} patterns, or ${MAX_ENV_PATTERN_BYTES} bytes of them`;
      source.fail(list, `there must not be more than ${most}`);
    }
    return patterns.map((pattern) => new NamePattern(pattern));
  };
  return source.fields<EntryFields['environment']>(value, {
    inherit: (list) =>
      new Set(source.list(list, (item) => source.word(item, ['all', 'core', 'none'] as const))),
    set: names,
    forbid: names,
  });
}

function variableName(source: YamlSource, value: Value): string {
  const name = source.text(value);
  return name.includes('=') ? source.fail(value, 'a name contains no "="') : name;
}

function parseLabels(
  source: YamlSource,
  value: Value,
): ReadonlyMap<string, PathPattern | undefined> {
  const labels = new Map<string, PathPattern | undefined>();
  for (const [key, node, content] of source.entries(value)) {
    if (key === '' || Buffer.byteLength(key) > MAX_LABEL_KEY_BYTES) {
      source.fail(node, `the key of a label has 1 to ${MAX_LABEL_KEY_BYTES} bytes`);
    }
    const text = boundedText(source, content, source.text(content, true));
    labels.set(key, /^\*+$/.test(text) ? undefined : new PathPattern(text));
  }
  return labels;
}

function boundedText(source: YamlSource, value: Value, text: string): string {
  if (Buffer.byteLength(text) <= MAX_POLICY_PATTERN_BYTES) return text;
  return source.fail(value, `a pattern has at most ${MAX_POLICY_PATTERN_BYTES} bytes`);
}

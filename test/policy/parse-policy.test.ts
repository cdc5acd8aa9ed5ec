import { describe, expect, it } from 'vitest';
import { foldName } from '../../src/environment/name-pattern.ts';
import { parsePolicy } from '../../src/policy/parse-policy.ts';
import { entryFor, type PolicyEntry } from '../../src/policy/policy.ts';

/** The entry of a policy with one, of which `text` is the rest, a line each. */
function entryOf(...lines: readonly string[]): PolicyEntry {
  const text = ['principals:', "  - match: '*'", ...lines.map((line) => `    ${line}`)].join('\n');
  const [entry] = parsePolicy(text).entries;
  if (entry === undefined) throw new Error('there is none');
  return entry;
}

describe('a policy', () => {
  it('counts by the first entry that names a caller', () => {
    const policy = parsePolicy(`
principals:
  - { match: 'token:ci-*', terminals: false }
  - match: [ 'token:**', 'peer:1000' ]
  - { match: 'mtls:spiffe://x/**', grants: [ start ] }
`);
    const indexOf = (name: string): number =>
      policy.entries.findIndex((entry) => entryFor({ entries: [entry] }, name) !== undefined);
    expect(
      ['token:ci-1', 'token:a/b', 'peer:1000', 'mtls:spiffe://x/y', 'peer:10', ''].map(indexOf),
    ).toEqual([0, 1, 1, 2, -1, -1]);
    expect(entryFor(policy, 'peer:1')).toBeUndefined();
  });

  it('may be JSON, and names everybody with an asterisk', () => {
    const { entries } = parsePolicy('{"principals": [{"match": "*"}]}');
    expect(entries[0]?.match[0]?.matches('jwt:a/b')).toBe(true);
  });

  it('restricts nothing that it does not speak of, but for users', () => {
    expect(entryOf()).toEqual({
      match: [expect.anything()],
      grants: undefined,
      programs: undefined,
      folders: undefined,
      environment: { inherit: undefined, set: undefined, forbid: [] },
      terminals: true,
      users: undefined,
      limits: { timeoutRequired: false, resources: {} },
      labels: new Map(),
    });
  });

  it('reads spans, sizes and counts as the command line does', () => {
    const { limits } = entryOf(
      'limits:',
      '  max_timeout: 1h30m',
      '  timeout_required: true',
      '  max_retained_bytes: 64MiB',
      '  max_retention: 90',
      '  max_principal_sessions: 3',
      '  principal_output_memory_bytes: 1k',
      '  max_principal_starts_per_second: 0',
      '  resources: { open_files: 64, address_space_bytes: 1GiB }',
    );
    expect(limits).toEqual({
      maxTimeoutMs: 5_400_000,
      timeoutRequired: true,
      maxRetainedBytes: 64 * 1024 * 1024,
      maxRetentionMs: 90_000,
      maxPrincipalSessions: 3,
      principalOutputMemoryBytes: 1024,
      maxPrincipalStartsPerSecond: 0,
      resources: { openFiles: 64, addressSpaceBytes: 1024 ** 3 },
    });
  });

  it('takes a folder for all that is below it', () => {
    const { folders } = entryOf('folders: [ /srv/ci, /home/*/work ]');
    const isIn = (path: string): boolean =>
      folders?.some((pattern) => pattern.matches(path)) ?? true;
    const paths = [
      '/srv/ci',
      '/srv/ci/a/b',
      '/srv/cider',
      '/srv',
      '/home/a/work/x',
      '/home/a/b/work',
    ];
    expect(paths.map(isIn)).toEqual([true, true, false, false, true, false]);
    expect(entryOf('folders: /').folders?.map((pattern) => pattern.matches('/x/y'))).toContain(
      true,
    );
  });

  it('forbids what brings other code into a program where programs are restricted', () => {
    const forbids = (entry: PolicyEntry, name: string): boolean =>
      entry.environment.forbid.some((pattern) => pattern.matches(foldName(name)));
    expect(forbids(entryOf(), 'LD_PRELOAD')).toBe(false);
    expect(forbids(entryOf('programs: [ /bin/x ]'), 'LD_PRELOAD')).toBe(true);
    expect(
      forbids(entryOf('programs: [ /bin/x ]', "environment: { set: ['*'] }"), 'LD_PRELOAD'),
    ).toBe(false);
  });

  it.each([
    ['', 1, 1, 'this must be an object'],
    ['a: 1', 1, 1, 'there is no "a" here'],
    ['{}', 1, 1, 'principals is missing'],
    ['principals: 1', 1, 13, 'this must be an object'],
    ['principals:\n  - terminals: true', 2, 5, 'match is missing'],
    ['principals:\n  - match: 5', 2, 12, 'this must be a text'],
    ['principals:\n  - match: ""', 2, 12, 'this must be a text'],
    [
      'principals:\n  - match: "tokens:x"',
      2,
      12,
      'this must be * or begin with one of none:, token:',
    ],
    ['principals:\n  - match: "*"\n    program: [/a]', 3, 5, 'there is no "program" here'],
    ['principals:\n  - match: "*"\n    programs:', 3, 14, 'this must be a text'],
    [
      'principals:\n  - match: "*"\n    programs: [/a, git]',
      3,
      20,
      'this must be an absolute path',
    ],
    ['principals:\n  - match: "*"\n    programs: [/a/]', 3, 16, 'without "//"'],
    ['principals:\n  - match: "*"\n    folders: /a/../b', 3, 14, 'without "//"'],
    ['principals:\n  - match: "*"\n    folders: /a/.', 3, 14, 'without "//"'],
    ['principals:\n  - match: "*"\n    terminals: yes', 3, 16, 'this must be true or false'],
    [
      'principals:\n  - match: "*"\n    grants: [start, fly]',
      3,
      21,
      'this must be one of start, observe',
    ],
    [
      'principals:\n  - match: "*"\n    environment: {inherit: some}',
      3,
      28,
      'one of all, core, none',
    ],
    ['principals:\n  - match: "*"\n    environment: {set: [A=B]}', 3, 25, 'a name contains no "="'],
    [
      'principals:\n  - match: "*"\n    limits: {max_timeout: 0}',
      3,
      27,
      'this must be a span of time',
    ],
    [
      'principals:\n  - match: "*"\n    limits: {max_timeout: 1y}',
      3,
      27,
      'this must be a span of time',
    ],
    [
      'principals:\n  - match: "*"\n    limits: {max_principal_sessions: -1}',
      3,
      38,
      'a whole number, 0 or more',
    ],
    [
      'principals:\n  - match: "*"\n    limits: {resources: {open_files: 2}}',
      3,
      38,
      'a whole number, 3 or more',
    ],
    [
      'principals:\n  - match: "*"\n    limits: {max_retained_bytes: 1.5}',
      3,
      34,
      'this must be a text',
    ],
    ['principals:\n  - match: "*"\n    labels: [team]', 3, 13, 'this must be an object'],
    ['principals:\n  - match: "*"\n    match: "*"', 3, 5, '"match" is here twice'],
    ['principals: &a []\nprincipals2: *a', 2, 1, 'there is no "principals2" here'],
    ['principals:\n  - &a {match: "*"}\n  - *a', 3, 5, 'aliases are not taken here'],
    ['principals: !x []', 1, 13, 'Unresolved tag'],
    ['principals: [', 1, 14, 'Flow sequence'],
    ['principals: []\n---\nprincipals: []', 2, 1, 'there must be no second document'],
  ])('is refused, with the place: %j', (text, line, column, problem) => {
    let thrown: unknown;
    try {
      parsePolicy(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ name: 'SourceError', line, column });
    expect(String(thrown)).toContain(problem);
  });
});

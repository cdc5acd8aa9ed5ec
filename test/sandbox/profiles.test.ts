import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseProfiles } from '../../src/sandbox/parse-profiles.ts';

const EXAMPLE = readFileSync(
  new URL('../../examples/sandbox-profiles.yaml', import.meta.url),
  'utf8',
);

/** Profiles with one, `p`, of these lines. */
const profile = (...lines: string[]): string =>
  ['profiles:', '  p:', ...lines.map((line) => `    ${line}`)].join('\n');

describe('profiles of sandboxes', () => {
  it('are what their example says', () => {
    const profiles = parseProfiles(EXAMPLE);
    expect([...profiles.keys()]).toEqual(['agent', 'build', 'read-only']);
    expect(profiles.get('agent')).toEqual({
      network: 'none',
      rules: [
        { at: { place: 'platform' }, access: 'read', missingOk: false },
        { at: { place: 'temp' }, access: 'write', missingOk: false },
        { at: { place: 'cwd' }, access: 'write', missingOk: false },
      ],
    });
    expect(profiles.get('build')?.network).toBe('host');
    expect(profiles.get('read-only')?.rules.at(-1)).toEqual({
      at: { path: '/etc/ssl/private' },
      access: 'none',
      missingOk: true,
    });
  });

  it('have no network unless they say so', () => {
    expect(parseProfiles(profile('rules: []')).get('p')).toEqual({ rules: [], network: 'none' });
  });

  it.each([
    ['', 'line 1, column 1: this must be an object'],
    ['other: 1', 'line 1, column 1: there is no "other" here'],
    ['{}', 'line 1, column 1: profiles is missing'],
    [profile('network: none'), 'line 3, column 5: rules is missing'],
    [profile('rules: []', 'network: all'), 'line 4, column 14: this must be one of none, host'],
    [profile('rules: [{ access: read }]'), 'line 3, column 13: path is missing, or place'],
    [profile('rules: [{ path: /a }]'), 'line 3, column 13: access is missing: read, write or none'],
    [profile('rules: [{ path: a, access: read }]'), 'column 21: this must be an absolute path'],
    [profile('rules: [{ path: /a, place: cwd, access: read }]'), 'a path or a place, not both'],
    [profile('rules: [{ place: home, access: read }]'), 'one of platform, cwd, temp, root'],
    [profile('rules: [{ path: /a, access: all }]'), 'this must be one of read, write, none'],
    [profile('rules: [{ path: /a, access: read, missing_ok: 1 }]'), 'this must be true or false'],
    ['profiles: { "a b": { rules: [] } }', 'line 1, column 13: the name of a profile has'],
    [profile(`rules: [${'{ path: /a, access: read }, '.repeat(257)}]`), 'more than 256 rules'],
  ])('are refused whole where one is wrong: %#', (text, problem) => {
    expect(() => parseProfiles(text)).toThrow(problem);
  });
});

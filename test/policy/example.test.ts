import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../src/policy/parse-policy.ts';
import { entryFor } from '../../src/policy/policy.ts';

const PAGE = readFileSync(new URL('../../docs/policy.md', import.meta.url), 'utf8');

/** The example of the page. */
const [, EXAMPLE = ''] = /<!-- policy: example -->\n\n```yaml\n(.*?)```/s.exec(PAGE) ?? [];

describe('the example in the documents', () => {
  it('is a policy that says what its comments say', () => {
    const policy = parsePolicy(EXAMPLE);
    const ci = entryFor(policy, 'token:ci-7');
    expect(ci?.programs?.map((pattern) => pattern.matches('/opt/ci/bin/x'))).toContain(true);
    expect(ci?.limits).toMatchObject({ maxTimeoutMs: 3_600_000, maxPrincipalSessions: 20 });
    expect(entryFor(policy, 'peer:1000')?.programs).toBeUndefined();
    expect(entryFor(policy, 'mtls:spiffe://example.org/a/b')?.limits.maxTimeoutMs).toBe(86_400_000);
    expect([...(entryFor(policy, 'jwt:anybody')?.grants ?? [])]).toEqual(['observe']);
  });

  it('has every key that there is', () => {
    const keys = [
      'match',
      'grants',
      'programs',
      'folders',
      'environment',
      'terminals',
      'users',
      'limits',
      'labels',
    ];
    for (const key of keys) {
      expect(EXAMPLE).toMatch(new RegExp(`^ +(- )?${key}:`, 'm'));
      expect(PAGE).toContain(`| \`${key}\``);
    }
  });
});

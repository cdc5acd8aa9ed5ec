import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PathPattern } from '../../src/policy/path-pattern.ts';

/** The same in words of regular expressions, which may take any time. */
function modelOf(pattern: string): RegExp {
  const parts = pattern.match(/\*\*+|./gs) ?? [];
  const source = parts.map((part) => {
    if (part === '*') return '[^/]*';
    if (part.startsWith('**')) return '[^]*';
    return part === '?' ? '[^/]' : part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  });
  return new RegExp(`^${source.join('')}$`);
}

const matches = (pattern: string, text: string): boolean => new PathPattern(pattern).matches(text);

describe('a pattern of paths', () => {
  it.each([
    ['/usr/bin/*', '/usr/bin/git', true],
    ['/usr/bin/*', '/usr/bin/x/git', false],
    ['/usr/bin/*', '/usr/bin', false],
    ['/opt/**', '/opt/a/b', true],
    ['/opt/**', '/opt', false],
    ['/opt/**', '/optional', false],
    ['/a?c', '/abc', true],
    ['/a?c', '/a/c', false],
    ['/A', '/a', false],
    ['token:ci-*', 'token:ci-', true],
    ['token:ci-*', 'token:xci-1', false],
    ['mtls:spiffe://x/**', 'mtls:spiffe://x/a/b', true],
    ['**', '', true],
    ['', 'a', false],
    ['/[a]', '/a', false],
    ['/a.c', '/abc', false],
  ])('%s and %s: %s', (pattern, text, wanted) => {
    expect(matches(pattern, text)).toBe(wanted);
  });

  it('matches what a regular expression of the same meaning does', () => {
    const texts = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '\n'), maxLength: 12 });
    const patterns = fc.string({
      unit: fc.constantFrom('a', 'b', '/', '.', '*', '**', '?', '\n'),
      maxLength: 8,
    });
    fc.assert(
      fc.property(patterns, texts, (pattern, text) => {
        expect(matches(pattern, text)).toBe(modelOf(pattern).test(text));
      }),
      { numRuns: 20_000 },
    );
  });

  it('takes no longer for a pattern that regular expressions are slow with', () => {
    // The model would not end: 40 runs, each of which may end anywhere.
    expect(matches('*a'.repeat(40), `${'a'.repeat(4000)}b`)).toBe(false);
    expect(matches(`${'**a'.repeat(40)}**`, 'a'.repeat(4000))).toBe(true);
  });
});

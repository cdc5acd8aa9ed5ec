import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAltNames } from '../../../src/identity/mtls/alt-names.ts';
import { certificateNames } from '../../../src/identity/mtls/certificate-names.ts';
import { clientNamePattern } from '../../../src/identity/mtls/client-name-pattern.ts';

describe('the names of a certificate', () => {
  it('are read in their order', () => {
    expect(parseAltNames('DNS:a.test, URI:spiffe://x/y, IP Address:127.0.0.1')).toEqual([
      { type: 'DNS', value: 'a.test' },
      { type: 'URI', value: 'spiffe://x/y' },
      { type: 'IP Address', value: '127.0.0.1' },
    ]);
    expect(parseAltNames(undefined)).toEqual([]);
  });

  it('are one where a quoted one looks like two', () => {
    expect(parseAltNames('DNS:"a.test, DNS:b.test", DNS:c.test')).toEqual([
      { type: 'DNS', value: 'a.test, DNS:b.test' },
      { type: 'DNS', value: 'c.test' },
    ]);
    expect(parseAltNames(String.raw`URI:"x\"", DNS:y`)).toEqual([
      { type: 'URI', value: 'x"' },
      { type: 'DNS', value: 'y' },
    ]);
  });

  it('come back as they were written, whatever is in them', () => {
    const type = fc.constantFrom('DNS', 'URI', 'email', 'IP Address');
    // As Node.js quotes: what is not plain, as a string of JSON.
    const value = fc.string({ unit: 'binary', maxLength: 20 });
    fc.assert(
      fc.property(fc.array(fc.record({ type, value }), { minLength: 1 }), (names) => {
        const written = names.map((name) =>
          /^[\x20\x21\x23-\x26\x28-\x2b\x2d-\x5b\x5d-\x7e]*$/.test(name.value)
            ? `${name.type}:${name.value}`
            : `${name.type}:${JSON.stringify(name.value)}`,
        );
        expect(parseAltNames(written.join(', '))).toEqual(names);
      }),
    );
  });

  it.each(['DNS', 'DNS:a, ', 'DNS:"a', 'DNS:a"b', 'DNS:a,DNS:b', 'DNS:"a"b', String.raw`DNS:"\x"`])(
    'are refused where they do not read as they should: %s',
    (text) => {
      expect(() => parseAltNames(text)).toThrow('cannot be read');
    },
  );

  it('are a SPIFFE ID by the rules of SPIFFE alone', () => {
    const named = (...uris: readonly string[]): readonly string[] =>
      certificateNames({ ca: false, subjectAltName: uris.map((uri) => `URI:${uri}`).join(', ') });
    expect(named('spiffe://example.org/a/b-c_d.e')).toEqual(['spiffe://example.org/a/b-c_d.e']);
    for (const bad of [
      'spiffe://example.org',
      'spiffe://example.org/',
      'spiffe://example.org/a/',
      'spiffe://example.org//a',
      'spiffe://example.org/a/../b',
      'spiffe://example.org/.',
      'spiffe://example.org/a%2Fb',
      'spiffe://example.org/a#b',
      'spiffe://example.org:80/a',
      'spiffe://me@example.org/a',
      'spiffe://Example.org/a',
      'SPIFFE://example.org/a',
      `spiffe://example.org/${'a'.repeat(2048)}`,
    ]) {
      expect(() => named(bad), bad).toThrow('not a valid one');
    }
    expect(() => named('https://example.org/a')).toThrow('neither');
  });

  it('are read in little time, however they are made', () => {
    const hostile = [
      `URI:spiffe://x/${'a/'.repeat(100_000)}`,
      `URI:spiffe://x${'/.'.repeat(100_000)}`,
      `DNS:${'a.'.repeat(100_000)}!`,
      `DNS:"${'\\\\'.repeat(100_000)}`,
      'DNS:a, '.repeat(100_000),
    ];
    // What takes the square of these lengths would take minutes.
    for (const subjectAltName of hostile) {
      expect(() => certificateNames({ ca: false, subjectAltName })).toThrow(/certificate/);
    }
  });
});

describe('a pattern for the names of clients', () => {
  it.each([
    [
      'spiffe://x.test/a',
      ['spiffe://x.test/a'],
      ['spiffe://x.test/a/b', 'spiffe://x.test/A', 'x.test'],
    ],
    [
      'spiffe://x.test/ci/*',
      ['spiffe://x.test/ci/a', 'spiffe://x.test/ci/..a'],
      [
        'spiffe://x.test/ci/a/b',
        'spiffe://x.test/ci/',
        'spiffe://x.test/ci',
        'spiffe://y.test/ci/a',
      ],
    ],
    [
      'spiffe://x.test/ci-*/run',
      ['spiffe://x.test/ci-/run', 'spiffe://x.test/ci-a/run'],
      ['spiffe://x.test/ci/run', 'spiffe://x.test/ci-a/b/run', 'spiffe://x.test/ci-a/run/'],
    ],
    [
      'spiffe://x.test/ci/**',
      ['spiffe://x.test/ci/a', 'spiffe://x.test/ci/a/b'],
      ['spiffe://x.test/ci', 'spiffe://x.test/cia', 'spiffe://x.test.evil/ci/a'],
    ],
    ['spiffe://x.test/**', ['spiffe://x.test/a/b/c'], ['spiffe://x.tests/a', 'spiffe://xxtest/a']],
    ['a.test', ['a.test'], ['b.a.test', 'a.test.evil', 'a-test', 'axtest', 'spiffe://a.test/a']],
    ['*.A.test', ['b.a.test'], ['a.test', '.a.test', 'c.b.a.test', 'b.a.test.evil']],
    ['ci-*.a.test', ['ci-.a.test', 'ci-1.a.test'], ['ci.a.test', 'ci-1.b.a.test']],
    ['a*a.test', ['aa.test', 'aba.test'], ['a.test']],
  ])('%s has those names alone', (text, has, hasNot) => {
    const pattern = clientNamePattern(text);
    expect(has.filter((name) => !pattern(name))).toEqual([]);
    expect(hasNot.filter(pattern)).toEqual([]);
  });

  it.each([
    '',
    '*.*a*.test',
    'a..test',
    '.test',
    'a.test/b',
    'a?.test',
    '(a+)+.test',
    'spiffe://x.test',
    'spiffe://x.test/',
    'spiffe://*/a',
    'spiffe:///a',
    'spiffe://X.test/a',
    'spiffe://x.test/**/a',
    'spiffe://x.test/a**',
    'spiffe://x.test/a//b',
    'spiffe://x.test/[a]',
    `spiffe://x.test/${'a'.repeat(2048)}`,
  ])('is not %s', (text) => {
    expect(() => clientNamePattern(text)).toThrow(/^(?:it|a segment)/);
  });

  it('has nothing that it does not name, whatever else is there', () => {
    const part = fc.stringMatching(/^[a-z0-9-]{0,6}$/);
    fc.assert(
      fc.property(part, part, fc.string({ maxLength: 12 }), (before, behind, between) => {
        const pattern = clientNamePattern(`spiffe://x.test/p/${before}*${behind}`);
        const segment = `${before}${between}${behind}`;
        const has = pattern(`spiffe://x.test/p/${segment}`);
        expect(has).toBe(segment !== '' && !segment.includes('/'));
      }),
    );
  });
});

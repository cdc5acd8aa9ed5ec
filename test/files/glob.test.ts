import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob, GlobError } from '../../src/files/agent/glob.ts';

function matches(pattern: string, path: string): boolean {
  return path.split('/').reduce((place, name) => place.enter(name), compileGlob(pattern)).matches;
}

/** The same by trying every way: what a star or a row of folders stands for is each that it could. */
function model(pattern: readonly string[], path: readonly string[]): boolean {
  const [part, ...parts] = pattern;
  const [name, ...names] = path;
  if (part === undefined) return name === undefined;
  if (part === '**') {
    return model(parts, path) || (name !== undefined && model(pattern, names));
  }
  return name !== undefined && modelOfName(part, name) && model(parts, names);
}

function modelOfName(part: string, name: string): boolean {
  const [first] = part;
  if (first === undefined) return name === '';
  if (first === '*') {
    return modelOfName(part.slice(1), name) || (name !== '' && modelOfName(part, name.slice(1)));
  }
  if (name === '') return false;
  if (first === '[') {
    const end = part.indexOf(']', 2);
    const set = part.slice(1, end);
    const negated = set.startsWith('!');
    return (
      set.includes(name[0] ?? '', negated ? 1 : 0) !== negated &&
      modelOfName(part.slice(end + 1), name.slice(1))
    );
  }
  if (first === '\\') return part[1] === name[0] && modelOfName(part.slice(2), name.slice(1));
  return (first === '?' || first === name[0]) && modelOfName(part.slice(1), name.slice(1));
}

describe('a glob', () => {
  it.each([
    ['*.ts', 'a.ts', true],
    ['*.ts', 'a/b.ts', false],
    ['*', '.hidden', true],
    ['**/*.ts', 'a.ts', true],
    ['**/*.ts', 'a/b/c.ts', true],
    ['a/**', 'a', true],
    ['a/**', 'a/b/c', true],
    ['a/**', 'ab', false],
    ['a/**/z', 'a/z', true],
    ['a/**/z', 'a/b/c/z', true],
    ['a/**/z', 'a/b/c/y', false],
    ['a**', 'abc', true],
    ['a**', 'a/b', false],
    ['?', 'ä', true],
    ['?', '😀', true],
    ['?', '\udcff', true],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[^a-c]x', 'dx', true],
    ['[]]', ']', true],
    ['[!]]', ']', false],
    ['[a-]', '-', true],
    ['[\\]]', ']', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['[😀-😂]', '😁', true],
  ])('%s on %s: %s', (pattern, path, expected) => {
    expect(matches(pattern, path)).toBe(expected);
  });

  it.each([
    '',
    '/a',
    'a/',
    'a//b',
    '[',
    '[a',
    '[!',
    '[z-a]',
    '[[:alpha:]]',
    'a\\',
    'a\\/b',
    '[a/b]',
    './a',
    'a/..',
    'a\0',
  ])('is none: %j', (pattern) => {
    expect(() => compileGlob(pattern)).toThrow(GlobError);
  });

  it('matches what a model that tries every way does', () => {
    const part = fc.array(fc.constantFrom('a', 'b', '*', '?', '[ab]', '[!a]', '\\*', '\\a'), {
      minLength: 1,
      maxLength: 6,
    });
    const pattern = fc.array(
      fc.oneof(
        fc.constant('**'),
        part.map((all) => all.join('')),
      ),
      {
        minLength: 1,
        maxLength: 5,
      },
    );
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 6 });
    const path = fc.array(name, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(pattern, path, (parts, names) => {
        // Two stars and more that are not the whole part are one; the model has no rule for it.
        const expected = model(parts, names);
        expect(matches(parts.join('/'), names.join('/'))).toBe(expected);
      }),
      { numRuns: 20_000 },
    );
  });

  it('knows where nothing below can match', () => {
    const place = compileGlob('src/*.ts');
    expect(place.enter('src').goesOn).toBe(true);
    expect(place.enter('docs').goesOn).toBe(false);
    expect(place.enter('src').enter('a.ts').goesOn).toBe(false);
    expect(compileGlob('**/a').enter('x').enter('y').goesOn).toBe(true);
  });

  it('takes time in proportion to pattern and name', () => {
    // One that tries every way would not end within the age of the universe.
    const pattern = `${'*a'.repeat(100)}b`;
    expect(matches(pattern, 'a'.repeat(255))).toBe(false);
    const folders = `${'**/a/'.repeat(100)}b`;
    expect(matches(folders, Array(1000).fill('a').join('/'))).toBe(false);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldName, matchesAny, NamePattern } from '../../src/environment/name-pattern.ts';
import { SharedTurns } from '../../src/environment/shared-turns.ts';
import { MAX_MATCHING_PER_TURN } from '../../src/limits.ts';

function matches(pattern: string, name: string): boolean {
  return new NamePattern(pattern).matches(foldName(name));
}

/** What a pattern means, said by a regular expression. */
function model(pattern: string): RegExp {
  const source = Array.from(pattern, (character) => {
    if (character === '*') return '.*';
    if (character === '?') return '.';
    return character.replace(/[\\^$.+()[\]{}|/-]/, '\\$&');
  }).join('');
  return new RegExp(`^${source}$`, 'is');
}

describe('a pattern without wildcards', () => {
  it('matches the whole name and no part of it', () => {
    expect(matches('PATH', 'PATH')).toBe(true);
    expect(matches('PATH', 'MANPATH')).toBe(false);
    expect(matches('PATH', 'PATH_INFO')).toBe(false);
    expect(matches('PATH', 'PAT')).toBe(false);
  });

  it('matches without regard to case', () => {
    expect(matches('Path', 'pATH')).toBe(true);
  });

  it('takes the characters that mean something to regular expressions for themselves', () => {
    expect(matches('A.B', 'A.B')).toBe(true);
    expect(matches('A.B', 'AxB')).toBe(false);
    expect(matches('A[BC]+', 'A[BC]+')).toBe(true);
    expect(matches('A[BC]+', 'AB')).toBe(false);
    expect(matches('A|B', 'A')).toBe(false);
    expect(matches('\\*', '\\anything')).toBe(true);
  });

  it('matches the empty name only if it is empty itself', () => {
    expect(matches('', '')).toBe(true);
    expect(matches('', 'A')).toBe(false);
    expect(matches('A', '')).toBe(false);
  });
});

describe('a star', () => {
  it('stands for any run of characters, an empty one included', () => {
    expect(matches('*PATH', 'PATH')).toBe(true);
    expect(matches('*PATH', 'MANPATH')).toBe(true);
    expect(matches('*PATH', 'PATH_INFO')).toBe(false);
    expect(matches('LC_*', 'LC_')).toBe(true);
    expect(matches('*KEY*', 'MY_key_2')).toBe(true);
    expect(matches('*', '')).toBe(true);
  });

  it('gives characters back where a later part needs them', () => {
    expect(matches('A*BC', 'ABBCBC')).toBe(true);
    expect(matches('A*BC', 'ABCB')).toBe(false);
    expect(matches('*A*B*', 'BBAAB')).toBe(true);
    expect(matches('*A*B*', 'BBAA')).toBe(false);
  });

  it('means the same if it is doubled', () => {
    expect(matches('A**B', 'AB')).toBe(true);
    expect(matches('A**', 'A')).toBe(true);
  });

  it('stands for line breaks too', () => {
    expect(matches('A*B', 'A\n\nB')).toBe(true);
  });
});

describe('a question mark', () => {
  it('stands for exactly one character', () => {
    expect(matches('A?', 'AB')).toBe(true);
    expect(matches('A?', 'A')).toBe(false);
    expect(matches('A?', 'ABC')).toBe(false);
    expect(matches('???', 'ABC')).toBe(true);
  });

  it('stands for one character of those that take two code units', () => {
    expect(matches('A?', 'A\u{1F600}')).toBe(true);
    expect(matches('A??', 'A\u{1F600}')).toBe(false);
  });

  it('asks for at least so many characters beside a star', () => {
    expect(matches('?*', '')).toBe(false);
    expect(matches('*?*?', 'A')).toBe(false);
    expect(matches('*?*?', 'AB')).toBe(true);
  });
});

describe('any pattern', () => {
  it('matches what the same regular expression matches', () => {
    const part = fc.constantFrom('a', 'B', 'b', 'A', '_', '.', '[', '\n', '*', '?', '*', '?');
    const text = fc.constantFrom('a', 'B', 'b', 'A', '_', '.', '[', '\n', '*', '?');
    fc.assert(
      fc.property(
        fc.string({ unit: part, maxLength: 8 }),
        fc.string({ unit: text, maxLength: 10 }),
        (pattern, name) => {
          expect(matches(pattern, name)).toBe(model(pattern).test(name));
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('matches a name that was made from it', () => {
    const piece = fc.oneof(
      fc.record({ glob: fc.constant('*'), name: fc.string({ unit: 'binary', maxLength: 5 }) }),
      fc.record({
        glob: fc.constant('?'),
        name: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      }),
      fc
        .string({ unit: 'binary', maxLength: 5 })
        .filter((literal) => !/[*?]/.test(literal))
        .map((literal) => ({ glob: literal, name: literal })),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const pattern = pieces.map(({ glob }) => glob).join('');
        const name = pieces.map((made) => made.name).join('');
        expect(matches(pattern, name)).toBe(true);
      }),
    );
  });

  it('does not take exponential time, whatever a client asks for', () => {
    const name = 'a'.repeat(2000);
    expect(matches(`${'*a'.repeat(5)}*b`, name)).toBe(false);
    expect(matches(`${'*a'.repeat(1000)}*b`, name)).toBe(false);
    expect(matches(`${'*?'.repeat(1000)}*`, name)).toBe(true);
  });
});

describe('matching in turns', () => {
  /** The longest that may be asked for, none of which can be given up before the end. */
  const pattern = new NamePattern(`*${'a?'.repeat(1000)}b`);
  const name = foldName('a'.repeat(16_000));

  it('says the same', async () => {
    const turns = new SharedTurns(MAX_MATCHING_PER_TURN);
    expect(await pattern.matchesInTurns(name, turns)).toBe(false);
    expect(await pattern.matchesInTurns([...name, ...foldName('b')], turns)).toBe(true);
    expect(await pattern.matchesInTurns(foldName('a'), turns)).toBe(false);
  });

  it('does no more in a turn than may be spent in one', async () => {
    const costs: number[] = [];
    class Counted extends SharedTurns {
      override spend(cost: number): Promise<void> | undefined {
        costs.push(cost);
        return super.spend(cost);
      }
    }
    await matchesAny([pattern, new NamePattern('*b')], name, new Counted(MAX_MATCHING_PER_TURN));
    expect(Math.max(...costs)).toBeLessThan(MAX_MATCHING_PER_TURN);
    // Words of 32 characters, for each character of the name.
    const all = costs.reduce((sum, cost) => sum + cost);
    expect(all).toBeGreaterThan(name.length * Math.floor(2001 / 32));
  });
});

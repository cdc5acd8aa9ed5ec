import { create, toBinary } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FieldViolation, RunletError } from '../../src/errors.ts';
import { ProcessSchema } from '../../src/gen/runlet/v1/process_pb.ts';
import { PAGE_BYTES } from '../../src/limits.ts';
import { processBytes } from '../../src/server/requests/encoded-size.ts';
import {
  formatPageToken,
  parseDuration,
  parseEnum,
  parseId,
  parseLabels,
  parseOptionalId,
  parsePageSize,
  parsePageToken,
  parseUint64,
  parseUuid,
} from '../../src/server/requests/fields.ts';
import { takePage } from '../../src/server/requests/page.ts';

/** What is said of the one field that is wrong. */
function violationOf(parse: () => unknown): FieldViolation | undefined {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof RunletError)) throw error;
    expect(error.reason).toBe('INVALID_REQUEST');
    expect(error.details.violations).toHaveLength(1);
    return error.details.violations?.[0];
  }
  throw new Error('it was accepted');
}

describe('a UUID', () => {
  it('is taken in either case and of any version, and put in lower case', () => {
    expect(parseUuid('f', '5F0C0D2E-6f0f-4C39-8A3F-0D9A3C1F7B52')).toBe(
      '5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b52',
    );
    fc.assert(
      fc.property(fc.uuid({ version: [1, 2, 3, 4, 5, 6, 7, 8] }), (uuid) => {
        expect(parseUuid('f', uuid.toUpperCase())).toBe(uuid);
      }),
    );
  });

  it.each([
    '',
    'session',
    '5f0c0d2e6f0f4c398a3f0d9a3c1f7b52',
    '{5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b52}',
    '5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b5',
    '5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b520',
    '5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b5g',
    '5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b52\n',
  ])('is not %j', (text) => {
    expect(violationOf(() => parseUuid('session_id', text))).toEqual({
      field: 'session_id',
      description: 'must be a UUID',
    });
  });
});

describe('an id that a client chooses', () => {
  it('may be any text of up to 128 bytes', () => {
    for (const id of ['a', 'build 7/step 2', 'ä\u{1F600}', 'x'.repeat(128), 'é'.repeat(64)]) {
      expect(parseId('f', id)).toBe(id);
      expect(parseOptionalId('f', id)).toBe(id);
    }
  });

  it('is not longer than 128 bytes', () => {
    for (const id of ['x'.repeat(129), `x${'é'.repeat(64)}`]) {
      expect(violationOf(() => parseOptionalId('process_id', id))?.field).toBe('process_id');
      expect(violationOf(() => parseId('process_id', id))?.field).toBe('process_id');
    }
  });

  it('holds no control character', () => {
    const control = fc.oneof(
      fc.integer({ min: 0, max: 0x1f }),
      fc.integer({ min: 0x7f, max: 0x9f }),
    );
    fc.assert(
      fc.property(control, (code) => {
        const id = `a${String.fromCharCode(code)}b`;
        expect(violationOf(() => parseId('f', id))?.description).toContain('control characters');
      }),
    );
  });

  it('may be empty only where one is made then', () => {
    expect(parseOptionalId('f', '')).toBe('');
    expect(violationOf(() => parseId('process_id', ''))).toEqual({
      field: 'process_id',
      description: 'is required',
    });
  });
});

describe('a span', () => {
  it('is taken in milliseconds, and is undefined if absent', () => {
    expect(parseDuration('f', undefined)).toBeUndefined();
    fc.assert(
      fc.property(fc.nat(2 ** 31 - 1), (ms) => {
        expect(parseDuration('f', durationFromMs(ms))).toBe(ms);
      }),
    );
  });

  it.each([
    [-1n, 0],
    [0n, -1],
    [-1n, -500_000_000],
    [1n, -1],
    [-1n, 1],
  ])('is not negative, in seconds %d and nanoseconds %d', (seconds, nanos) => {
    const duration = { ...durationFromMs(0), seconds, nanos };
    expect(violationOf(() => parseDuration('wait', duration))).toEqual({
      field: 'wait',
      description: 'must not be negative',
    });
  });

  it('may be as long as allowed and no longer', () => {
    expect(parseDuration('grace', durationFromMs(5000), 5000)).toBe(5000);
    expect(violationOf(() => parseDuration('grace', durationFromMs(5001), 5000))).toEqual({
      field: 'grace',
      description: 'must be at most 5 s',
    });
  });
});

describe('a position', () => {
  it('must be exact as a number', () => {
    expect(parseUint64('f', 0n)).toBe(0);
    expect(parseUint64('f', 9_007_199_254_740_991n)).toBe(Number.MAX_SAFE_INTEGER);
    expect(violationOf(() => parseUint64('offset', 9_007_199_254_740_992n))?.field).toBe('offset');
    expect(violationOf(() => parseUint64('offset', 2n ** 64n - 1n))?.field).toBe('offset');
  });
});

describe('a value of an enum', () => {
  const known = { 0: 'default', 2: 'other' };

  it('is looked up', () => {
    expect(parseEnum('f', 2, known)).toBe('other');
  });

  it.each([1, 3, -1, 2_147_483_647])('is refused if it is unknown: %d', (value) => {
    expect(violationOf(() => parseEnum('spec.stdin', value, known))).toEqual({
      field: 'spec.stdin',
      description: `has the unknown value ${value}`,
    });
  });
});

describe('labels', () => {
  const numbered = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, '']));

  it('are taken as they are', () => {
    expect([...parseLabels('labels', { a: '1', b: '' })]).toEqual([
      ['a', '1'],
      ['b', ''],
    ]);
    expect(parseLabels('labels', {}).size).toBe(0);
  });

  it('are at most 64', () => {
    expect(parseLabels('labels', numbered(64)).size).toBe(64);
    expect(violationOf(() => parseLabels('labels', numbered(65)))?.field).toBe('labels');
  });

  it('have keys of 1 to 128 bytes', () => {
    expect(parseLabels('labels', { ['é'.repeat(64)]: '' }).size).toBe(1);
    for (const key of ['', `x${'é'.repeat(64)}`]) {
      expect(violationOf(() => parseLabels('labels', { [key]: '' }))?.description).toContain('key');
    }
  });

  it('have values of at most 1024 bytes', () => {
    expect(parseLabels('labels', { k: 'é'.repeat(512) }).size).toBe(1);
    const label = { k: `x${'é'.repeat(512)}` };
    expect(violationOf(() => parseLabels('labels', label))?.description).toContain('value');
  });
});

describe('the size of a page', () => {
  it.each([
    [0, 100],
    [1, 1],
    [1000, 1000],
    [1001, 1000],
    [2_147_483_647, 1000],
  ])('asked as %d is %d', (asked, size) => {
    expect(parsePageSize('page_size', asked)).toBe(size);
  });

  it('is not negative', () => {
    expect(violationOf(() => parsePageSize('page_size', -1))?.field).toBe('page_size');
  });
});

describe('the token of a page', () => {
  it('leads to its place', () => {
    expect(parsePageToken('f', '')).toBe(0);
    fc.assert(
      fc.property(fc.maxSafeNat(), (place) => {
        expect(parsePageToken('f', formatPageToken(place))).toBe(place);
      }),
    );
  });

  it.each(['!', ' 1', '1 ', '01', 'A', '1.5', '1e3!', 'NaN', 'Infinity', '-1', 'z'.repeat(40)])(
    'that this server never gave is refused: %j',
    (token) => {
      expect(violationOf(() => parsePageToken('page_token', token))).toEqual({
        field: 'page_token',
        description: 'is not one of this server',
      });
    },
  );
});

describe('a page', () => {
  const nothing = (): number => 0;

  it('takes as many as it may, and tells whether more follow', () => {
    expect(takePage([1, 2, 3], 2, nothing)).toEqual({ items: [1, 2], more: true });
    expect(takePage([1, 2], 2, nothing)).toEqual({ items: [1, 2], more: false });
    expect(takePage([], 2, nothing)).toEqual({ items: [], more: false });
  });

  it('ends early where it would become too large', () => {
    const third = PAGE_BYTES / 3;
    expect(takePage([1, 2, 3, 4], 100, () => third)).toEqual({ items: [1, 2, 3], more: true });
  });

  it('has at least one, however large', () => {
    expect(takePage([1, 2], 100, () => 2 * PAGE_BYTES)).toEqual({ items: [1], more: true });
  });

  it('counts everything of a process that is encoded, what is empty too', () => {
    const texts = fc.array(fc.string({ maxLength: 300 }), { maxLength: 50 });
    const labels = fc.dictionary(fc.string({ maxLength: 100 }), fc.string({ maxLength: 300 }));
    fc.assert(
      fc.property(texts, labels, (argv, label) => {
        const encoded = toBinary(ProcessSchema, create(ProcessSchema, { argv, labels: label }));
        const bytes = processBytes({ argv, labels: new Map(Object.entries(label)) });
        expect(bytes).toBeGreaterThanOrEqual(encoded.byteLength);
        expect(bytes).toBeLessThan(2 * encoded.byteLength + 1024);
      }),
    );
    const empty = { argv: ['true', ...Array<string>(200_000).fill('')], labels: new Map() };
    const page = takePage(Array(40).fill(empty), 1000, processBytes);
    expect(page).toMatchObject({ items: { length: 2 }, more: true });
  });

  it('after page gives everything once and in order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(PAGE_BYTES), { maxLength: 30 }),
        fc.integer({ min: 1, max: 7 }),
        (sizes, maximum) => {
          const seen: number[] = [];
          for (let more = true; more; ) {
            const page = takePage(sizes.slice(seen.length), maximum, (size) => size);
            more = page.more;
            expect(more).toBe(seen.length + page.items.length < sizes.length);
            seen.push(...page.items);
          }
          expect(seen).toEqual(sizes);
        },
      ),
    );
  });
});

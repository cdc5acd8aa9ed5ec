import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DroppedIndex } from '../../src/output/dropped-index.ts';
import { type OutputStream, type StreamOffsets, ZERO_OFFSETS } from '../../src/output/event.ts';

interface Dropped {
  readonly stream: OutputStream;
  readonly length: number;
}

/** Where the streams stand after some events, by simple addition. */
function positionsAfter(
  events: readonly Dropped[],
  from: StreamOffsets = ZERO_OFFSETS,
): StreamOffsets {
  const sums = { ...from };
  for (const { length, stream } of events) sums[stream] += length;
  return sums;
}

function addAll(index: DroppedIndex, events: readonly Dropped[]): void {
  for (const { length, stream } of events) index.add(stream, length);
}

/** `count` events of `length` bytes, now on one stream and now on the other. */
function alternating(count: number, length: number): readonly Dropped[] {
  return Array.from({ length: count }, (_, i) => ({
    stream: i % 2 === 0 ? 'stdout' : 'stderr',
    length,
  }));
}

const dropped = fc.record({
  stream: fc.constantFrom<OutputStream>('stdout', 'stderr'),
  length: fc.oneof(fc.constant(0), fc.nat(65_536), fc.constantFrom(1, 65_536, 2 ** 30 - 1)),
});

describe('an index of dropped events', () => {
  it('begins where it is told to', () => {
    const index = new DroppedIndex(2, { stdout: 5, stderr: 7, terminal: 0 }, 100);
    expect(index.firstSeq).toBe(2);
    expect(index.offsetsBefore(2)).toEqual({ stdout: 5, stderr: 7, terminal: 0 });
  });

  it('knows where the streams stood before each event', () => {
    const index = new DroppedIndex(2, { stdout: 5, stderr: 0, terminal: 0 }, 100);
    index.add('stdout', 10);
    index.add('stderr', 20);
    index.add('stdout', 1);
    expect(index.offsetsBefore(2)).toEqual({ stdout: 5, stderr: 0, terminal: 0 });
    expect(index.offsetsBefore(3)).toEqual({ stdout: 15, stderr: 0, terminal: 0 });
    expect(index.offsetsBefore(4)).toEqual({ stdout: 15, stderr: 20, terminal: 0 });
    expect(index.offsetsBefore(5)).toEqual({ stdout: 16, stderr: 20, terminal: 0 });
  });

  it('counts an event that is no output, which moves no stream', () => {
    const index = new DroppedIndex(1, ZERO_OFFSETS, 100);
    index.add('stdout', 0);
    index.add('stderr', 3);
    expect(index.offsetsBefore(2)).toEqual(ZERO_OFFSETS);
    expect(index.offsetsBefore(3)).toEqual({ stdout: 0, stderr: 3, terminal: 0 });
  });

  it('does not change what it told before', () => {
    const index = new DroppedIndex(1, ZERO_OFFSETS, 4);
    const before = index.offsetsBefore(1);
    addAll(index, alternating(20, 1));
    expect(before).toEqual({ stdout: 0, stderr: 0, terminal: 0 });
  });

  it('stays exact beyond what 32 bits hold', () => {
    const events = alternating(20, 2 ** 30 - 1);
    const index = new DroppedIndex(1, { stdout: 2 ** 40, stderr: 0, terminal: 0 }, 7);
    addAll(index, events);
    expect(index.offsetsBefore(21)).toEqual(
      positionsAfter(events, { stdout: 2 ** 40, stderr: 0, terminal: 0 }),
    );
  });
});

describe('an index that is full', () => {
  it('forgets nothing before that', () => {
    const index = new DroppedIndex(1, ZERO_OFFSETS, 20);
    addAll(index, alternating(20, 1));
    expect(index.firstSeq).toBe(1);
  });

  it('forgets the older half', () => {
    const index = new DroppedIndex(1, ZERO_OFFSETS, 20);
    const events = alternating(21, 3);
    addAll(index, events);
    expect(index.firstSeq).toBe(11);
    expect(index.offsetsBefore(11)).toEqual(positionsAfter(events.slice(0, 10)));
    expect(index.offsetsBefore(22)).toEqual(positionsAfter(events));
  });

  it('works with room for one', () => {
    const index = new DroppedIndex(1, ZERO_OFFSETS, 1);
    const events = alternating(5, 2);
    addAll(index, events);
    expect(index.firstSeq).toBe(5);
    expect(index.offsetsBefore(5)).toEqual(positionsAfter(events.slice(0, 4)));
    expect(index.offsetsBefore(6)).toEqual(positionsAfter(events));
  });
});

describe('any index', () => {
  it('tells every position that it remembers as a list of all events would', () => {
    fc.assert(
      fc.property(
        fc.array(dropped, { maxLength: 120 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 1000 }),
        fc.record({ stdout: fc.nat(), stderr: fc.nat(), terminal: fc.constant(0) }),
        (events, maxEntries, firstSeq, offsets) => {
          const index = new DroppedIndex(firstSeq, offsets, maxEntries);
          addAll(index, events);
          const end = firstSeq + events.length;
          for (let seq = index.firstSeq; seq <= end; seq++) {
            expect(index.offsetsBefore(seq)).toEqual(
              positionsAfter(events.slice(0, seq - firstSeq), offsets),
            );
          }
        },
      ),
    );
  });

  it('remembers at least half of what it may and never more', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.integer({ min: 1, max: 40 }), (count, maxEntries) => {
        const index = new DroppedIndex(1, ZERO_OFFSETS, maxEntries);
        for (let added = 1; added <= count; added++) {
          index.add('stdout', 1);
          const remembered = added + 1 - index.firstSeq;
          expect(remembered).toBeLessThanOrEqual(maxEntries);
          expect(remembered).toBeGreaterThanOrEqual(Math.min(added, maxEntries / 2));
        }
      }),
    );
  });
});

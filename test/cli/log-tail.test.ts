import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { moment } from '../../src/cli/log-since.ts';
import { LogTail } from '../../src/cli/log-tail.ts';
import { timedSink } from '../../src/cli/log-times.ts';
import type { ProcessEvent } from '../../src/client/index.ts';

const TIME = new Date('2026-01-31T12:00:00.250Z');

/** Events of output. */
function eventsOf(pieces: readonly string[]): ProcessEvent[] {
  let offset = 0;
  return pieces.map((text, i) => {
    const data = Buffer.from(text);
    const event = {
      kind: 'output',
      stream: 'stdout',
      seq: i + 1,
      time: TIME,
      offset,
      data,
    } as const;
    offset += data.length;
    return event;
  });
}

function textOf(events: readonly ProcessEvent[]): string {
  return events.map((event) => (event.kind === 'output' ? event.data.toString() : '')).join('');
}

describe('the last lines of output', () => {
  it('are those that tail(1) gives, however output is cut into events', () => {
    const piece = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 40 }),
        fc.integer({ min: 0, max: 8 }),
        (pieces, n) => {
          const tail = new LogTail(n);
          for (const event of eventsOf(pieces)) tail.add(event);
          const lines = pieces.join('').match(/[^\n]*\n|[^\n]+$/g) ?? [];
          expect(textOf(tail.take())).toBe(lines.slice(Math.max(0, lines.length - n)).join(''));
        },
      ),
    );
  });

  it('keep no more than they need', () => {
    const tail = new LogTail(3);
    for (const event of eventsOf(Array.from({ length: 10_000 }, (_, i) => `${i}\n`)))
      tail.add(event);
    expect(tail.isFull).toBe(true);
    const events = tail.take();
    expect(textOf(events)).toBe('9997\n9998\n9999\n');
    const [first] = events;
    expect(first?.kind === 'output' && first.offset).toBe(48_890 - 15);
  });
});

describe('the times of lines', () => {
  it('stand before each line, and not in the midst of one', async () => {
    let text = '';
    const sink = timedSink(async (event) => {
      text += textOf([event]);
    });
    for (const event of eventsOf(['one\ntw', 'o\n', '\n', 'three'])) await sink(event);
    const at = TIME.toISOString();
    expect(text).toBe(`${at} one\n${at} two\n${at} \n${at} three`);
  });
});

describe('a moment', () => {
  it('is a time span ago, or a date', () => {
    const ago = (text: string): number => Math.round((Date.now() - moment(text)) / 1000);
    expect(['10m', '1h30m', '90s', '2d', '1.5h'].map(ago)).toEqual([600, 5400, 90, 172_800, 5400]);
    expect(moment('2026-01-31T12:00:00.25Z')).toBe(TIME.getTime());
    for (const text of ['', '10', '5 minutes', 'yesterday', '10mm', '2026-13-01']) {
      expect(() => moment(text)).toThrow(/neither a time span/);
    }
  });
});

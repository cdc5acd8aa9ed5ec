import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter, LineTooLongError } from '../../src/mcp/line-splitter.ts';

/** The lines of several chunks. */
function linesOf(splitter: LineSplitter, chunks: readonly Buffer[]): string[] {
  return chunks.flatMap((chunk) => [...splitter.push(chunk)]);
}

/** The bytes in pieces of the given sizes, and what is left. */
function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let begin = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(begin, begin + size));
    begin += size;
  }
  return [...chunks, bytes.subarray(begin)];
}

/** Bytes that are in use, garbage included. */
function memory(): number {
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

describe('lines', () => {
  it('are the same however the bytes are cut, in the middle of a character too', () => {
    const line = fc.string({ unit: 'grapheme' }).filter((text) => !/[\r\n]/.test(text));
    fc.assert(
      fc.property(
        fc.array(fc.record({ text: line, end: fc.constantFrom('\n', '\r\n') })),
        fc.array(fc.nat(7)),
        (lines, sizes) => {
          const bytes = Buffer.from(lines.map(({ end, text }) => text + end).join(''));
          const splitter = new LineSplitter(10_000);
          expect(linesOf(splitter, cut(bytes, sizes))).toEqual(lines.map(({ text }) => text));
        },
      ),
    );
  });

  it('can be as long as the bound, their end not counted, and no longer', () => {
    const splitter = new LineSplitter(4);
    expect(linesOf(splitter, [Buffer.from('abc'), Buffer.from('d\nefgh\n')])).toEqual([
      'abcd',
      'efgh',
    ]);
    const taken: string[] = [];
    expect(() => {
      for (const line of splitter.push(Buffer.from('ok\nabcde'))) taken.push(line);
    }).toThrow(LineTooLongError);
    expect(taken).toEqual(['ok']);
  });

  it('that are too long are noticed before they end', () => {
    const splitter = new LineSplitter(100_000);
    expect(linesOf(splitter, [Buffer.alloc(100_000, 'x')])).toEqual([]);
    expect(() => linesOf(splitter, [Buffer.from('x')])).toThrow(LineTooLongError);
  });

  it('that come byte by byte take memory for their bytes alone', () => {
    const splitter = new LineSplitter(4_000_000);
    const bytes = Buffer.from('x');
    const before = memory();
    for (let i = 0; i < 3_000_000; i += 1) [...splitter.push(bytes)];
    // An object for each would be some three times that.
    expect(memory() - before).toBeLessThan(100_000_000);
    expect(linesOf(splitter, [Buffer.from('\n')])).toEqual(['x'.repeat(3_000_000)]);
  });
});

import { describe, expect, it } from 'vitest';
import { heapGrowingPercent } from '../../src/cli/heap-growth.ts';
import { HEAP_GROWTH_BYTES } from '../../src/limits.ts';

describe('the growth of the heap', () => {
  it('is about the same number of bytes for small heaps', () => {
    for (const used of [HEAP_GROWTH_BYTES / 8, HEAP_GROWTH_BYTES / 4, HEAP_GROWTH_BYTES]) {
      const growth = (used * heapGrowingPercent(used)) / 100;
      expect(growth / HEAP_GROWTH_BYTES).toBeCloseTo(1);
    }
  });

  it("is V8's own for large ones", () => {
    expect(heapGrowingPercent(HEAP_GROWTH_BYTES + 1024 * 1024)).toBe(0);
  });
});

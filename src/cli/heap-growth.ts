import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { HEAP_GROWTH_BYTES, HEAP_LOOK_MS } from '../limits.ts';

/**
 * Lets a small heap grow by {@link HEAP_GROWTH_BYTES} before all of it is collected. V8
 * counts memory outside of the heap among what it grows by, so a server that has little
 * of its own but copies output through buffers would mark its whole heap again after
 * every 8 to 30 MiB of it, though collecting young objects alone gives all of that back.
 * A larger heap grows as V8 sees fit. See docs/performance.md.
 */
export function tuneHeapGrowth(): void {
  let percent = 0;
  const look = (): void => {
    const next = heapGrowingPercent(getHeapStatistics().used_heap_size);
    if (next === percent) return;
    percent = next;
    // Looked at whenever all of the heap was collected; 0 is V8's own way.
    setFlagsFromString(`--heap-growing-percent=${percent}`);
  };
  look();
  // Compiled code is kept with the flags that there are then: those of all other runs.
  process.prependListener('exit', () => setFlagsFromString('--heap-growing-percent=0'));
  setInterval(look, HEAP_LOOK_MS).unref();
}

/** By how many percent a heap of so many bytes may grow; 0: as V8 sees fit. */
export function heapGrowingPercent(usedBytes: number): number {
  const percent = Math.floor((100 * HEAP_GROWTH_BYTES) / usedBytes);
  // Below, V8 lets it grow as much by itself where that is good for it.
  return percent < 100 ? 0 : Math.min(percent, 1000);
}

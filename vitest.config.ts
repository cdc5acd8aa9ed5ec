import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BOUNDS } from './vitest.bounds.ts';

export default defineConfig({
  test: {
    ...BOUNDS,
    include: ['test/**/*.test.ts'],
    exclude: ['test/interop/**', 'test/load/smoke.test.ts', 'test/bench/guard.test.ts'],
    // Much of the time is waiting, for processes and for clocks of theirs.
    maxWorkers: 2 * availableParallelism(),
  },
});

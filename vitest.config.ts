import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/interop/**', 'test/load/smoke.test.ts', 'test/bench/guard.test.ts'],
    // Much of the time is waiting, for processes and for clocks of theirs.
    maxWorkers: 2 * availableParallelism(),
    // Tests wait for what happens, never for time to pass: the bound is for a test that hangs.
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});

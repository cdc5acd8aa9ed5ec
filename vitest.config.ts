import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LONG, PLUGINS, SHARED } from './vitest.shared.ts';

export default defineConfig({
  plugins: PLUGINS,
  test: {
    ...SHARED,
    include: ['test/**/*.test.ts'],
    exclude: [
      ...['test/interop/**', 'test/site/**', 'test/load/smoke.test.ts', 'test/bench/guard.test.ts'],
      ...LONG,
    ],
    // Much of the time is waiting, for processes and for clocks of theirs.
    maxWorkers: 2 * availableParallelism(),
  },
});

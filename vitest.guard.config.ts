import { defineConfig } from 'vitest/config';
import { PLUGINS, SHARED } from './vitest.shared.ts';

export default defineConfig({
  plugins: PLUGINS,
  test: {
    ...SHARED,
    include: ['test/bench/guard.test.ts'],
    // A row that misses is measured twice, with all its programs and on whatever machine.
    testTimeout: 600_000,
  },
});

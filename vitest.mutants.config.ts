import { defineConfig } from 'vitest/config';
import { PLUGINS, SHARED } from './vitest.shared.ts';

export default defineConfig({
  plugins: PLUGINS,
  test: {
    ...SHARED,
    include: ['test/conformance/mutants-of-*.test.ts'],
    // Both files at a time, and in each several mutants, since much of the time is waiting.
    maxWorkers: 2,
    maxConcurrency: 3,
    testTimeout: 180_000,
  },
});

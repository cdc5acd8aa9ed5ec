import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/conformance/mutants-of-*.test.ts'],
    // Both files at a time, and in each several mutants, since much of the time is waiting.
    maxWorkers: 2,
    maxConcurrency: 3,
    testTimeout: 180_000,
    hookTimeout: 60_000,
  },
});

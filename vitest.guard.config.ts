import { defineConfig } from 'vitest/config';
import { SHARED } from './vitest.shared.ts';

export default defineConfig({
  test: {
    ...SHARED,
    include: ['test/bench/guard.test.ts'],
    // A row that misses is measured twice, with all its programs and on whatever machine.
    testTimeout: 600_000,
  },
});

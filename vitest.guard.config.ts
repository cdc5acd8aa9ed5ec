import { defineConfig } from 'vitest/config';
import { BOUNDS } from './vitest.bounds.ts';

export default defineConfig({
  test: {
    ...BOUNDS,
    include: ['test/bench/guard.test.ts'],
    testTimeout: 180_000,
  },
});

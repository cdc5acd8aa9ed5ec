import { defineConfig } from 'vitest/config';
import { BOUNDS } from './vitest.bounds.ts';

export default defineConfig({
  test: {
    ...BOUNDS,
    include: ['test/load/smoke.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 600_000,
  },
});

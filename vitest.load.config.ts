import { defineConfig } from 'vitest/config';
import { SHARED } from './vitest.shared.ts';

export default defineConfig({
  test: {
    ...SHARED,
    include: ['test/load/smoke.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/bench/guard.test.ts'],
    testTimeout: 180_000,
  },
});

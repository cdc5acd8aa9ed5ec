import { defineConfig } from 'vitest/config';
import { BOUNDS } from './vitest.bounds.ts';

export default defineConfig({
  test: {
    ...BOUNDS,
    include: ['test/interop/**/*.test.ts'],
    exclude: ['test/interop/clients.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
});

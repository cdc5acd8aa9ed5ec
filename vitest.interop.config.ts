import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    exclude: ['test/interop/clients.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
});

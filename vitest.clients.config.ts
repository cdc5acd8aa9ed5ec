import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/interop/clients.test.ts'],
    testTimeout: 60_000,
    // A client is built in it.
    hookTimeout: 600_000,
  },
});

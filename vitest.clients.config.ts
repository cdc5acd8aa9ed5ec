import { defineConfig } from 'vitest/config';
import { BOUNDS } from './vitest.bounds.ts';

export default defineConfig({
  test: {
    ...BOUNDS,
    include: ['test/interop/clients.test.ts'],
    // A client is built in it.
    hookTimeout: 600_000,
  },
});

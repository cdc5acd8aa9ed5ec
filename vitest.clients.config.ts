import { defineConfig } from 'vitest/config';
import { PLUGINS, SHARED } from './vitest.shared.ts';

export default defineConfig({
  plugins: PLUGINS,
  test: {
    ...SHARED,
    include: ['test/interop/clients.test.ts'],
    testTimeout: 300_000,
    // A client is built in it.
    hookTimeout: 1_200_000,
  },
});

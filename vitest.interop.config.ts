import { defineConfig } from 'vitest/config';
import { PLUGINS, SHARED } from './vitest.shared.ts';

export default defineConfig({
  plugins: PLUGINS,
  test: {
    ...SHARED,
    include: ['test/interop/**/*.test.ts'],
    exclude: ['test/interop/clients.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
});

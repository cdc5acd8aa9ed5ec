import { defineConfig } from 'vitest/config';
import { PLUGINS, SHARED } from './vitest.shared.ts';

export default defineConfig({
  plugins: PLUGINS,
  test: {
    ...SHARED,
    include: ['test/load/smoke.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});

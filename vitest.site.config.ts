import { defineConfig } from 'vitest/config';
import { PLUGINS, SHARED } from './vitest.shared.ts';

export default defineConfig({
  plugins: PLUGINS,
  test: { ...SHARED, include: ['test/site/**/*.test.ts'] },
});

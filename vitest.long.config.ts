import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LONG, PLUGINS, SHARED } from './vitest.shared.ts';

// What `npm test` leaves to `npm run test:long`.
export default defineConfig({
  plugins: PLUGINS,
  test: {
    ...SHARED,
    include: LONG,
    maxWorkers: 2 * availableParallelism(),
  },
});

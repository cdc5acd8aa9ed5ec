import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LONG, SHARED } from './vitest.shared.ts';

// What `npm test` leaves to `npm run test:long`.
export default defineConfig({
  test: {
    ...SHARED,
    include: LONG,
    maxWorkers: 2 * availableParallelism(),
  },
});

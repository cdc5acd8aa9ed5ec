import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { SHARED } from './vitest.shared.ts';

/** What does not depend on how processes are started, nor on who runs the server. */
const INDEPENDENT = [
  'attach',
  'bad-calls',
  'bad-input',
  'cli-*',
  'fencing',
  'frozen-peer',
  'many-sessions',
  'memory',
  'reading',
  'reconnect',
  'version-skew',
];

// The tests that are run again with another launcher, and as another user.
export default defineConfig({
  test: {
    ...SHARED,
    include: ['test/acceptance/**/*.test.ts', 'test/process/**/*.test.ts'],
    exclude: INDEPENDENT.map((name) => `test/acceptance/${name}.test.ts`),
    // Much of the time is waiting, for processes and for clocks of theirs.
    maxWorkers: 2 * availableParallelism(),
  },
});

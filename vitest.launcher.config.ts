import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { PLUGINS, SHARED } from './vitest.shared.ts';

/** What does not depend on how processes are started, nor on who runs the server. */
const OF_NEITHER = [
  'attach*',
  'bad-calls',
  'bad-input',
  'cli-*',
  'fencing',
  'files-{cuts,descriptors,escapes,fencing,listing,load,replace}',
  'floods*',
  'frozen-peer',
  'many-sessions',
  'memory',
  'principal-*',
  'reading',
  'reconnect',
  'sandbox-acts',
  'secrets-scan',
  'tls-*',
  'tokens',
  'version-skew',
];

/** What moves much data or starts much depends on the launcher, and not on rights and limits. */
const OF_LAUNCHERS = ['interact', 'late-output', 'leaks', 'lossless', 'pause', 'stdin-stream'];

/** What depends on rights, and not on how processes are started. */
const OF_RIGHTS = ['files-*', 'sandbox-*'];

const ofLauncher = process.env['TEST_LAUNCHER'] !== undefined;
const independent = [...OF_NEITHER, ...(ofLauncher ? OF_RIGHTS : OF_LAUNCHERS)];

// The tests that are run again with another launcher, and as another user.
export default defineConfig({
  plugins: PLUGINS,
  test: {
    ...SHARED,
    include: [
      'test/acceptance/**/*.test.ts',
      'test/process/**/*.test.ts',
      ...(ofLauncher ? [] : ['test/files/*.test.ts']),
    ],
    exclude: independent.map((name) => `test/acceptance/${name}.test.ts`),
    // Much of the time is waiting, for processes and for clocks of theirs.
    maxWorkers: 2 * availableParallelism(),
  },
});

import { TestReport } from './scripts/gate/test-report.mjs';
import { TestTimes } from './scripts/gate/test-times.mjs';

/** What all configurations of tests have in common. */
export const SHARED = {
  // How long a test may take, in milliseconds. Tests wait for what happens and never for time
  // to pass: a bound is for a test that hangs, on a machine that is busy with much else.
  testTimeout: 300_000,
  hookTimeout: 300_000,
  expect: { poll: { timeout: 120_000 } },
  reporters: ['default', new TestTimes(), new TestReport()],
};

import type { Scenario } from './scenario.ts';
import { ACKNOWLEDGED } from './scenarios/acknowledged.ts';
import { FILES } from './scenarios/files.ts';
import { LIVES } from './scenarios/lives.ts';
import { NETWORK } from './scenarios/network.ts';
import { OUTPUT } from './scenarios/output.ts';
import { RECOVERIES } from './scenarios/recoveries.ts';
import { SESSIONS } from './scenarios/sessions.ts';
import { STDIN } from './scenarios/stdin.ts';

/** All that a client is put through, in every language. */
export const SCENARIOS: readonly Scenario[] = [
  ...OUTPUT,
  ...SESSIONS,
  ...STDIN,
  ...LIVES,
  ...ACKNOWLEDGED,
  ...FILES,
  ...NETWORK,
];

/** What a package is put through that recovers by itself. */
export const RECOVERING: readonly Scenario[] = RECOVERIES;

import type { Scenario } from './scenario.ts';
import { LIVES } from './scenarios/lives.ts';
import { OUTPUT } from './scenarios/output.ts';
import { SESSIONS } from './scenarios/sessions.ts';
import { STDIN } from './scenarios/stdin.ts';

/** All that a client is put through, in every language. */
export const SCENARIOS: readonly Scenario[] = [...OUTPUT, ...SESSIONS, ...STDIN, ...LIVES];

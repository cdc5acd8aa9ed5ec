// @ts-check
// The gate: see `.ci/run`.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runGate } from './gate.mjs';
import { gateSteps } from './steps.mjs';

/**
 * How long all of it may take: a bound for what hangs on a machine that is busy with much
 * else. On a quiet one with two cores it takes less than a third of that.
 */
const TOTAL_SECONDS = 4800;

const cwd = fileURLToPath(new URL('../..', import.meta.url));
const reports = join(cwd, '.cache', 'gate');
mkdirSync(reports, { recursive: true });

// Steps run in groups of their own, which the keys of a terminal do not reach.
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.once(signal, () => interrupted.abort());

const total = AbortSignal.timeout(TOTAL_SECONDS * 1000);
const bound = (/** @type {number} */ seconds) =>
  AbortSignal.any([interrupted.signal, total, AbortSignal.timeout(seconds * 1000)]);

const say = (/** @type {string} */ line) => void process.stdout.write(`${line}\n`);

const passed = await runGate(gateSteps(), { cwd, reports, bound, say, output: 'inherit' });
// Not at once: what was said may still wait to be written.
process.exitCode = passed ? 0 : 1;

// @ts-check
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { boundedRun } from './bounded-run.mjs';
import { readOutcome } from './failures.mjs';
import { summarize } from './summary.mjs';

/** @import { FailedFile, Outcome } from './failures.mjs' */

/**
 * How many files of a gate are run once more. Where more fail it is not noise, and each may
 * take until its bound.
 */
const MAX_AGAIN = 12;

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {readonly string[]} command the program and its arguments
 * @property {number} seconds how long it may take: a bound for what hangs
 * @property {Readonly<Record<string, string>>} [env] added to that of the gate
 * @property {boolean} [tests] whether it runs files of tests. Then it runs those alone that are
 *   appended to its command, and writes what they did to the file that `TEST_REPORT` names
 * @property {boolean} [needed] whether no other can be run where this one failed
 */

/**
 * What became of a step.
 *
 * @typedef {object} Result
 * @property {Step} step
 * @property {number} seconds that it took, what was run again not included
 * @property {string} wrong with how it ended; empty where nothing is
 * @property {Outcome} outcome of its tests
 * @property {readonly FailedFile[]} flaky files: they failed, and passed alone
 */

/**
 * What a gate is given by its surroundings.
 *
 * @typedef {object} Setup
 * @property {string} cwd
 * @property {string} reports a folder, for the reports of tests
 * @property {(seconds: number) => AbortSignal} bound aborts when a step has to stop
 * @property {(line: string) => void} say
 * @property {'inherit' | number} output where what steps print goes: a descriptor, or that of
 *   this program
 */

/**
 * Runs all steps, then once more and alone each file of tests that failed, and says what
 * became of them. What passes alone is told and fails nothing.
 *
 * @param {readonly Step[]} steps
 * @param {Setup} setup
 * @returns {Promise<boolean>} whether all passed
 */
export async function runGate(steps, setup) {
  /** @type {Result[]} */
  const results = [];
  for (const step of steps) {
    const result = await runStep(step, setup);
    results.push(result);
    if (result.wrong !== '' && step.needed) break;
  }
  const again = results.reduce((sum, { outcome }) => sum + outcome.files.length, 0);
  if (again > MAX_AGAIN) setup.say(`\n${again} files failed: too many to run them once more`);
  else for (const result of results) await runFailedAgain(result, setup);
  summarize(results, setup.say);
  return results.every(({ wrong }) => wrong === '');
}

/**
 * @param {Step} step
 * @param {Setup} setup
 * @returns {Promise<Result>}
 */
async function runStep(step, setup) {
  const { say } = setup;
  say(`\n==> ${step.name}`);
  const report = join(setup.reports, `${step.name.replaceAll(':', '-')}.jsonl`);
  const began = performance.now();
  const wrong = await runReporting(step, [], report, setup);
  const seconds = (performance.now() - began) / 1000;
  const outcome = readOutcome(report);
  say(`==> ${step.name}: ${wrong === '' ? 'passed' : 'FAILED'} after ${seconds.toFixed(0)} s`);
  if (wrong !== '') say(`==> ${wrong}`);
  return { step, seconds, wrong, outcome, flaky: [] };
}

/**
 * Runs a step's failed files alone, one after another, and has the result say what came of it.
 *
 * @param {Result} result
 * @param {Setup} setup
 */
async function runFailedAgain(result, setup) {
  const { step, outcome } = result;
  const { say } = setup;
  if (result.wrong === '' || outcome.files.length === 0) return;
  /** @type {FailedFile[]} */
  const flaky = [];
  for (const failed of outcome.files) {
    say(`\n==> ${step.name}: ${failed.file}, once more and alone`);
    const report = join(setup.reports, 'again.jsonl');
    const wrong = await runReporting(step, [failed.file], report, setup);
    say(`==> ${step.name}: ${failed.file}: ${wrong === '' ? 'passed' : `FAILED again: ${wrong}`}`);
    // A run of nothing is no success.
    if (wrong === '' && readOutcome(report).passed > 0) flaky.push(failed);
  }
  result.flaky = flaky;
  result.outcome = { ...outcome, files: outcome.files.filter((file) => !flaky.includes(file)) };
  if (result.outcome.files.length === 0 && outcome.loose.length === 0) result.wrong = '';
}

/**
 * @param {Step} step
 * @param {readonly string[]} files to run alone; all where there are none
 * @param {string} report
 * @param {Setup} setup
 * @returns {Promise<string>} what is wrong
 */
async function runReporting({ command, env, seconds }, files, report, { bound, cwd, output }) {
  rmSync(report, { force: true });
  return boundedRun([...command, ...files], {
    cwd,
    output,
    env: { ...env, TEST_REPORT: report },
    signal: bound(seconds),
  });
}

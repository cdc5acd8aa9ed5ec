// @ts-check
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
 * How many steps run at a time that may run beside others: much of the time of one is waiting, or
 * a last file alone, and no more than two know of one another's load.
 */
const LANES = 2;

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {readonly string[]} command the program and its arguments
 * @property {number} seconds how long it may take: a bound for what hangs
 * @property {Readonly<Record<string, string>>} [env] added to that of the gate
 * @property {boolean} [tests] whether it runs files of tests. Then it runs those alone that are
 *   appended to its command, and writes what they did to the file that `TEST_REPORT` names
 * @property {boolean} [needed] whether no other can be run where this one failed
 * @property {boolean} [beside] whether it may run beside those before and after it that may, too:
 *   it measures no time, and changes nothing that others use. What it prints comes in the end
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
  const began = performance.now();
  /** @type {Result[]} */
  const results = [];
  for (const group of groupsOf(steps)) {
    results.push(...(await runGroup(group, setup)));
    if (results.some(({ step, wrong }) => wrong !== '' && step.needed)) break;
  }
  const seconds = secondsSince(began);
  const again = results.reduce((sum, { outcome }) => sum + outcome.files.length, 0);
  if (again > MAX_AGAIN) setup.say(`\n${again} files failed: too many to run them once more`);
  else for (const result of results) await runFailedAgain(result, setup);
  summarize(results, seconds, setup.say);
  return results.every(({ wrong }) => wrong === '');
}

/**
 * What runs at a time: steps alone, and those that follow one another and may run beside others.
 *
 * @param {readonly Step[]} steps
 */
function groupsOf(steps) {
  /** @type {Step[][]} */
  const groups = [];
  for (const step of steps) {
    const last = groups.at(-1);
    if (step.beside && last?.[0]?.beside) last.push(step);
    else groups.push([step]);
  }
  return groups;
}

/**
 * Runs steps, each begun in its turn as soon as a lane is free.
 *
 * @param {readonly Step[]} group
 * @param {Setup} setup
 * @returns {Promise<readonly Result[]>} in the order of the steps
 */
async function runGroup(group, setup) {
  /** @type {Result[]} */
  const results = [];
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < group.length; i = next++) {
      const step = group[i];
      if (step !== undefined) results[i] = await runStep(step, setup);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return results;
}

/**
 * @param {Step} step
 * @param {Setup} setup
 * @returns {Promise<Result>}
 */
async function runStep(step, setup) {
  const { say } = setup;
  say(`\n==> ${step.name}`);
  const file = join(setup.reports, step.name.replaceAll(':', '-'));
  const report = `${file}.jsonl`;
  const began = performance.now();
  const wrong = step.beside
    ? await printedInTheEnd(`${file}.log`, setup, (own) => runReporting(step, [], report, own))
    : await runReporting(step, [], report, setup);
  const seconds = secondsSince(began);
  const outcome = readOutcome(report);
  say(`==> ${step.name}: ${wrong === '' ? 'passed' : 'FAILED'} after ${seconds.toFixed(0)} s`);
  if (wrong !== '') say(`==> ${wrong}`);
  return { step, seconds, wrong, outcome, flaky: [] };
}

/**
 * Keeps what something prints in a file, and prints it once it has ended.
 *
 * @param {string} path of the file
 * @param {Setup} setup
 * @param {(own: Setup) => Promise<string>} run
 */
async function printedInTheEnd(path, setup, run) {
  const log = openSync(path, 'w');
  try {
    return await run({ ...setup, output: log });
  } finally {
    closeSync(log);
    const printed = readFileSync(path);
    if (setup.output === 'inherit') process.stdout.write(printed);
    else writeFileSync(setup.output, printed);
  }
}

/** @param {number} began by `performance.now` */
function secondsSince(began) {
  return (performance.now() - began) / 1000;
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

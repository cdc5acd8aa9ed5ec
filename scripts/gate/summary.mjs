// @ts-check

/** @import { FailedFile } from './failures.mjs' */
/** @import { Result } from './gate.mjs' */

/** How much is told of the failure of a test. */
const MESSAGE_LINES = 40;

/**
 * Says what failed and why, what each step took, what is flaky, and the sum. Last of all that
 * is printed, since a log may be kept from its end alone.
 *
 * @param {readonly Result[]} results
 * @param {number} total how many seconds all of it took; less than the sum where steps ran beside
 *   one another
 * @param {(line: string) => void} say
 */
export function summarize(results, total, say) {
  const explain = (/** @type {string} */ what, /** @type {FailedFile} */ { file, tests }) => {
    say(`\n${what}: ${file}`);
    for (const { message, test } of tests) say(`  ${nameOf(test)}\n${indent(message)}`);
  };
  for (const { flaky, outcome, step } of results) {
    for (const failed of flaky) explain(`${step.name}: failed, and passed alone`, failed);
    for (const failed of outcome.files) explain(`${step.name}: failed`, failed);
    for (const message of outcome.loose)
      say(`\n${step.name}: an error of no test\n${indent(message)}`);
  }
  say('');
  const names = results.map(({ step }) => step.name);
  const width = Math.max(...names.map((name) => name.length), 5);
  for (const { seconds, step, wrong } of results) {
    const how = `${step.beside ? ', beside others' : ''}${wrong && `  FAILED: ${wrong}`}`;
    say(`${step.name.padEnd(width)} ${seconds.toFixed(0).padStart(6)} s${how}`);
  }
  say(`${'total'.padEnd(width)} ${total.toFixed(0).padStart(6)} s, without what was run again\n`);
  for (const { flaky } of results) {
    for (const { file, tests } of flaky) {
      for (const { test } of tests) say(`FLAKY ${file}: ${nameOf(test)}`);
    }
  }
  const passed = results.reduce((sum, { outcome }) => sum + outcome.passed, 0);
  const failed = results.reduce((sum, { outcome }) => sum + failedTests(outcome.files), 0);
  const again = results.reduce((sum, { flaky }) => sum + failedTests(flaky), 0);
  say(`${passed + again} passed, ${failed} failed, ${again} flaky`);
}

/** @param {readonly FailedFile[]} files */
function failedTests(files) {
  return files.reduce((sum, { tests }) => sum + tests.length, 0);
}

/** @param {string} message */
function indent(message) {
  return message.split('\n').slice(0, MESSAGE_LINES).join('\n').replace(/^/gm, '    ');
}

/** @param {string} test its name; empty for what is outside of tests */
function nameOf(test) {
  return test || 'the file itself';
}

// @ts-check
import { existsSync, readFileSync } from 'node:fs';

/** @import { ReportLine } from './test-report.mjs' */

/**
 * What failed in a file of tests. The name of a test is empty where the file failed outside of
 * its tests.
 *
 * @typedef {{ file: string, tests: readonly { test: string, message: string }[] }} FailedFile
 */

/**
 * What a report says of a run.
 *
 * @typedef {object} Outcome
 * @property {number} passed tests
 * @property {number} failed tests
 * @property {readonly FailedFile[]} files that failed, or did not end
 * @property {readonly string[]} loose errors that belong to no file
 */

/**
 * @param {string} path of the report of a run
 * @returns {Outcome} of what has ended; of nothing where there is no report
 */
export function readOutcome(path) {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  /** @type {ReportLine[]} */
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  return outcomeOf(lines);
}

/** @param {readonly ReportLine[]} lines */
function outcomeOf(lines) {
  let passed = 0;
  let failed = 0;
  const loose = [];
  const unended = new Set();
  /** @type {Map<string, { test: string, message: string }[]>} */
  const files = new Map();
  const fail = (
    /** @type {string} */ file,
    /** @type {string} */ test,
    /** @type {string} */ message,
  ) => {
    files.set(file, [...(files.get(file) ?? []), { test, message }]);
  };
  for (const line of lines) {
    if (line.kind === 'planned') unended.add(line.file);
    else if (line.kind === 'failed') fail(line.file, line.test, line.message);
    else if (line.kind === 'loose' && line.file === '') loose.push(line.message);
    else if (line.kind === 'loose') fail(line.file, '', line.message);
    else {
      unended.delete(line.file);
      passed += line.passed;
      failed += line.failed;
    }
  }
  for (const file of unended) fail(file, '', 'it did not end');
  return { passed, failed, files: [...files].map(([file, tests]) => ({ file, tests })), loose };
}

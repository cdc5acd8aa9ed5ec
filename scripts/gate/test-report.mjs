// @ts-check
import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';

/** @import { Reporter, TestCase, TestModule, TestSpecification } from 'vitest/node' */

/**
 * A line of the report. It is written when what it tells has happened, so that the report of
 * a run that was stopped tells which files had not ended.
 *
 * - `planned`: a file of tests is going to be run.
 * - `failed`: a test failed, or, where `test` is empty, a file outside of its tests.
 * - `ended`: all of a file's tests ended.
 * - `loose`: an error that belongs to no test; `file` is empty where it belongs to no file.
 *
 * @typedef {{ kind: 'planned', file: string }
 *   | { kind: 'failed', file: string, test: string, message: string }
 *   | { kind: 'ended', file: string, passed: number, failed: number }
 *   | { kind: 'loose', file: string, message: string }} ReportLine
 */

/**
 * Reports a run of tests as lines of JSON in the file that `TEST_REPORT` names, or not at all
 * where it names none.
 *
 * @implements {Reporter}
 */
export class TestReport {
  #path = process.env['TEST_REPORT'] ?? '';

  /** @param {readonly TestSpecification[]} specifications */
  onTestRunStart(specifications) {
    for (const { moduleId } of specifications) {
      this.#write({ kind: 'planned', file: relative(process.cwd(), moduleId) });
    }
  }

  /** @param {TestCase} test */
  onTestCaseResult(test) {
    const result = test.result();
    if (result.state !== 'failed') return;
    const message = textOf(result.errors);
    this.#write({ kind: 'failed', file: fileOf(test.module), test: test.fullName, message });
  }

  /** @param {TestModule} module */
  onTestModuleEnd(module) {
    const file = fileOf(module);
    const errors = [
      ...module.errors(),
      ...[...module.children.allSuites()].flatMap((s) => s.errors()),
    ];
    if (errors.length > 0) this.#write({ kind: 'failed', file, test: '', message: textOf(errors) });
    const states = [...module.children.allTests()].map((test) => test.result().state);
    const count = (/** @type {string} */ state) => states.filter((each) => each === state).length;
    this.#write({ kind: 'ended', file, passed: count('passed'), failed: count('failed') });
  }

  /**
   * @param {readonly TestModule[]} _modules
   * @param {Parameters<NonNullable<Reporter['onTestRunEnd']>>[1]} errors
   */
  onTestRunEnd(_modules, errors) {
    for (const error of errors) {
      const path = error['VITEST_TEST_PATH'];
      const file = typeof path === 'string' ? relative(process.cwd(), path) : '';
      this.#write({ kind: 'loose', file, message: textOf([error]) });
    }
  }

  /** @param {ReportLine} line */
  #write(line) {
    if (this.#path !== '') appendFileSync(this.#path, `${JSON.stringify(line)}\n`);
  }
}

/**
 * @param {TestModule} module
 * @returns {string} the path of its file in the project
 */
export function fileOf(module) {
  return relative(process.cwd(), module.moduleId);
}

/**
 * @param {readonly { message: string, stack?: string, diff?: string }[]} errors
 * @returns {string} what they say, and where in the project they were thrown
 */
function textOf(errors) {
  return errors
    .map(({ message, stack = '', diff = '' }) => {
      const places = stack.split('\n').filter((line) => /^\s+at (?!.*node_modules)/.test(line));
      return [message, ...places, diff].filter((line) => line !== '').join('\n');
    })
    .join('\n');
}

// @ts-check
import { dirname } from 'node:path';
import { fileOf } from './test-report.mjs';

/** @import { Reporter, TestModule } from 'vitest/node' */

/** How many of the slowest files are told. */
const FILES = 10;

/**
 * Says at the end of a run of tests which folders and files took most of the time. Files run
 * beside one another, so their times add up to more than the run took.
 *
 * @implements {Reporter}
 */
export class TestTimes {
  #began = performance.now();

  onTestRunStart() {
    this.#began = performance.now();
  }

  /** @param {readonly TestModule[]} modules */
  onTestRunEnd(modules) {
    const files = modules.map((module) => ({ name: fileOf(module), ms: durationOf(module) }));
    if (files.length < 2) return;
    /** @type {Map<string, { count: number, ms: number }>} */
    const folders = new Map();
    for (const { name, ms } of files) {
      const before = folders.get(dirname(name)) ?? { count: 0, ms: 0 };
      folders.set(dirname(name), { count: before.count + 1, ms: before.ms + ms });
    }
    const lines = [...folders]
      .map(([name, { count, ms }]) => ({ name: `${name} (${count})`, ms }))
      .sort(bySlowest);
    const total = performance.now() - this.#began;
    say(`\n${seconds(total)} s in all, spent on (files run beside one another):`);
    for (const { name, ms } of lines) say(`${seconds(ms).padStart(8)} s  ${name}`);
    say('the slowest files:');
    for (const { name, ms } of [...files].sort(bySlowest).slice(0, FILES)) {
      say(`${seconds(ms).padStart(8)} s  ${name}`);
    }
  }
}

/** @param {TestModule} module how long it took, its imports included */
function durationOf(module) {
  const { collectDuration, duration, setupDuration } = module.diagnostic();
  return collectDuration + setupDuration + duration;
}

/**
 * @param {{ ms: number }} a
 * @param {{ ms: number }} b
 */
function bySlowest(a, b) {
  return b.ms - a.ms;
}

/** @param {number} ms */
function seconds(ms) {
  return (ms / 1000).toFixed(1);
}

/** @param {string} line */
function say(line) {
  process.stdout.write(`${line}\n`);
}

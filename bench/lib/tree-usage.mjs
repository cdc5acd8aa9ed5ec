// @ts-check
import { readdirSync } from 'node:fs';
import { readStat } from './process-stat.mjs';

/** @import { ProcessStat } from './process-stat.mjs' */
/** @import { Usage } from './row.mjs' */

/** How often memory is looked at. */
const SAMPLE_MS = 200;

/**
 * Watches what a process and all that came of it use.
 *
 * @param {number} root its pid
 * @returns {() => Usage} ends that, and tells what was used since
 */
export function watchUsage(root) {
  const before = treeOf(root).cpuSeconds;
  let peakMib = 0;
  const sample = () => {
    const { cpuSeconds, residentMib } = treeOf(root);
    peakMib = Math.max(peakMib, residentMib);
    return cpuSeconds;
  };
  const sampler = setInterval(sample, SAMPLE_MS);
  return () => {
    clearInterval(sampler);
    return { cpuSeconds: sample() - before, peakMib: Math.round(peakMib) };
  };
}

/**
 * Puts what was used in several rounds together.
 *
 * @param {readonly Usage[]} rounds at least one
 * @returns {Usage}
 */
export function sumUsage(rounds) {
  return {
    cpuSeconds: rounds.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    peakMib: Math.max(...rounds.map(({ peakMib }) => peakMib)),
  };
}

/**
 * Adds up what proc_pid_stat(5) tells of a process and its descendants. The time of
 * those that ended is their parent's, once it has waited for them.
 *
 * @param {number} root
 */
function treeOf(root) {
  /** @type {Map<number, ProcessStat>} */
  const processes = new Map();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : undefined;
    if (stat !== undefined) processes.set(stat.pid, stat);
  }
  let cpuSeconds = 0;
  let residentMib = 0;
  for (const [pid, process] of processes) {
    // It is not its program yet, and has its parent's memory.
    const borrows =
      pid !== root && processes.get(process.parent)?.virtualBytes === process.virtualBytes;
    for (let ancestor = pid; ancestor > 0; ancestor = processes.get(ancestor)?.parent ?? 0) {
      if (ancestor !== root) continue;
      cpuSeconds += process.cpuSeconds + process.childrenCpuSeconds;
      if (!borrows) residentMib += process.residentMib;
      break;
    }
  }
  return { cpuSeconds, residentMib };
}

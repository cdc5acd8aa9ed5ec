// @ts-check
import { readdirSync, readFileSync } from 'node:fs';

/** @import { Usage } from './row.mjs' */

/** Of clock_t in proc_pid_stat(5), on every Linux there is. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
const MIB = 1024 * 1024;

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
  /** @type {Map<number, { parent: number, ticks: number, size: number, pages: number }>} */
  const processes = new Map();
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name)) read(processes, Number(name));
  }
  let ticks = 0;
  let pages = 0;
  for (const [pid, process] of processes) {
    // It is not its program yet, and has its parent's memory.
    const borrows = pid !== root && processes.get(process.parent)?.size === process.size;
    for (let ancestor = pid; ancestor > 0; ancestor = processes.get(ancestor)?.parent ?? 0) {
      if (ancestor !== root) continue;
      ticks += process.ticks;
      if (!borrows) pages += process.pages;
      break;
    }
  }
  return { cpuSeconds: ticks / TICKS_PER_SECOND, residentMib: (pages * PAGE_BYTES) / MIB };
}

/**
 * @param {Map<number, { parent: number, ticks: number, size: number, pages: number }>} processes
 * @param {number} pid
 */
function read(processes, pid) {
  let stat;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return;
  }
  // After the name, which may hold spaces; the first of these is the state, field 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (/** @type {number} */ number) => Number(fields[number - 3]);
  const ticks = field(14) + field(15) + field(16) + field(17);
  processes.set(pid, { parent: field(4), ticks, size: field(23), pages: field(24) });
}

// @ts-check
import { readdirSync } from 'node:fs';
import { readStat } from '../../bench/lib/process-stat.mjs';

/** How often a server is looked at. */
const SAMPLE_MS = 250;

/**
 * What a server was at a moment.
 *
 * @typedef {object} Sample
 * @property {number} seconds since the sampler began
 * @property {number} cpu share of one processor that its own threads used since the sample
 *   before: 1 is all of one
 * @property {number} residentMib
 * @property {number} descriptors that it had open
 */

/**
 * @typedef {object} Sampler
 * @property {readonly Sample[]} samples so far
 * @property {() => number} seconds since it began
 * @property {() => number} cpuSeconds that the process used since it was started
 * @property {() => void} stop
 */

/**
 * Looks at a process again and again, until it is stopped or the process is gone. What the
 * process started is not counted.
 *
 * @param {number} pid
 * @returns {Sampler}
 */
export function startSampler(pid) {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const samples = /** @type {Sample[]} */ ([]);
  const cpuSeconds = () => readStat(pid)?.cpuSeconds ?? 0;
  let before = { seconds: 0, cpuSeconds: cpuSeconds() };
  const timer = setInterval(() => {
    const stat = readStat(pid);
    if (stat === undefined) return clearInterval(timer);
    const now = { seconds: seconds(), cpuSeconds: stat.cpuSeconds };
    samples.push({
      seconds: round(now.seconds),
      cpu: round((now.cpuSeconds - before.cpuSeconds) / (now.seconds - before.seconds)),
      residentMib: round(stat.residentMib),
      descriptors: countDescriptors(pid),
    });
    before = now;
  }, SAMPLE_MS);
  return { samples, seconds, cpuSeconds, stop: () => clearInterval(timer) };
}

/**
 * @param {number} pid
 * @returns {number} open descriptors; 0 if there is no such process
 */
export function countDescriptors(pid) {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 1000) / 1000;
}

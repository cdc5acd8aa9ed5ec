// @ts-check
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readStat } from '../../bench/lib/process-stat.mjs';
import { countDescriptors } from './sampler.mjs';

/** How often it is looked whether a server has given back what it held. */
const LOOK_MS = 500;

/** @import { LoadedServer } from './server.mjs' */

/**
 * What a server holds of the machine.
 *
 * @typedef {object} Holdings
 * @property {number} descriptors open
 * @property {number} children that run
 * @property {number} zombies children that ended and were not waited for
 * @property {number} residentMib
 */

/**
 * What a server came back to, once it was rid of a load.
 *
 * @typedef {object} Return
 * @property {Holdings} before the load
 * @property {number} uncollectedMib resident right after it, before garbage was collected
 * @property {Holdings} after it
 * @property {number} toleranceMib of resident memory that it may have more than before
 * @property {number} seconds until it was back, or until that was given up
 * @property {string[]} faults what it has more than it may; empty: it is back
 */

/**
 * @param {number} pid of a server
 * @returns {Holdings}
 */
export function holdingsOf(pid) {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat?.parent === pid);
  const zombies = children.filter((stat) => stat?.state === 'Z').length;
  return {
    descriptors: countDescriptors(pid),
    children: children.length - zombies,
    zombies,
    residentMib: Math.round(readStat(pid)?.residentMib ?? Number.NaN),
  };
}

/**
 * Waits until a server holds no more than it did before a load, and no less any more. Its garbage is collected
 * meanwhile, since a server at rest has no reason to do so by itself.
 *
 * @param {Pick<LoadedServer, 'pid' | 'collect'>} server
 * @param {Holdings} before
 * @param {{ toleranceMib: number, timeoutMs: number }} options
 * @returns {Promise<Return>}
 */
export async function awaitReturn({ collect, pid }, before, { toleranceMib, timeoutMs }) {
  const began = performance.now();
  const uncollectedMib = holdingsOf(pid).residentMib;
  let lastMib = Number.POSITIVE_INFINITY;
  for (;;) {
    collect();
    await sleep(LOOK_MS);
    const after = holdingsOf(pid);
    const faults = faultsOf(before, after, toleranceMib);
    const seconds = (performance.now() - began) / 1000;
    const settled = Math.abs(after.residentMib - lastMib) <= 1;
    if ((faults.length === 0 && settled) || seconds * 1000 > timeoutMs) {
      return { before, uncollectedMib, after, toleranceMib, seconds, faults };
    }
    lastMib = after.residentMib;
  }
}

/**
 * @param {Holdings} before
 * @param {Holdings} after
 * @param {number} toleranceMib
 * @returns {string[]}
 */
export function faultsOf(before, after, toleranceMib) {
  const faults = [];
  for (const kind of /** @type {const} */ (['descriptors', 'children', 'zombies'])) {
    if (after[kind] > before[kind]) {
      faults.push(`${kind}: ${after[kind]}, and ${before[kind]} before`);
    }
  }
  // Written so that no number is a fault, too.
  if (!(after.residentMib <= before.residentMib + toleranceMib)) {
    faults.push(
      `resident memory: ${after.residentMib} MiB, and ${before.residentMib} MiB before, which may grow by ${toleranceMib} MiB`,
    );
  }
  return faults;
}

// @ts-check
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { settled } from '../lib/settled.mjs';
import { hashOf } from './material.mjs';
import { carry } from './ways.mjs';

/** @import { Memory } from '../servers/runlet.mjs' */
/** @import { Way } from './ways.mjs' */

/** How often the memory of the server is looked at while something is carried. */
const SAMPLE_MS = 20;

/**
 * A server, as far as it is measured here.
 *
 * @typedef {object} Measured
 * @property {string} address the path of its socket
 * @property {() => Memory} memory
 */

/**
 * What carrying something took.
 *
 * @typedef {object} Carried
 * @property {string} way
 * @property {'up' | 'down'} direction
 * @property {number} ms
 * @property {number} grownMib by how much the memory of the server was larger meanwhile, at the most
 */

/**
 * Carries something up and down again, in each of some ways in turn.
 *
 * @param {Measured} server
 * @param {readonly Way[]} ways
 * @param {string} from a file or a folder
 * @param {string} folder for what comes of it; nothing is left in it
 * @returns {Promise<Carried[]>}
 * @throws Error if what arrived is not what was sent
 */
export async function carryBothWays(server, ways, from, folder) {
  const hash = await hashOf(from);
  const carried = [];
  for (const { down, name, up } of ways) {
    const [there, back] = [join(folder, 'there'), join(folder, 'back')];
    carried.push({ way: name, ...(await watched(server, 'up', up, from, there)) });
    carried.push({ way: name, ...(await watched(server, 'down', down, there, back)) });
    for (const path of [there, back]) {
      if ((await hashOf(path)) !== hash) throw new Error(`${name}: ${path} is not what was sent`);
      await rm(path, { recursive: true });
    }
  }
  return carried;
}

/**
 * @param {Measured} server
 * @param {'up' | 'down'} direction
 * @param {string} line of a way
 * @param {string} from
 * @param {string} to
 * @returns {Promise<Omit<Carried, 'way'>>}
 */
async function watched({ address, memory }, direction, line, from, to) {
  const before = (await settled(memory)).residentKib;
  let peak = before;
  const sampler = setInterval(() => {
    peak = Math.max(peak, memory().residentKib);
  }, SAMPLE_MS);
  try {
    const ms = await carry(line, { socket: address, from, to });
    return { direction, ms, grownMib: (peak - before) / 1024 };
  } finally {
    clearInterval(sampler);
  }
}

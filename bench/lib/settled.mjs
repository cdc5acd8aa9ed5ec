// @ts-check
import { setTimeout as sleep } from 'node:timers/promises';

/** @import { Memory } from '../servers/runlet.mjs' */

/** Memory has settled when it changed by so little for so long; it is waited for so often. */
const SETTLED_KIB = 64;
const SETTLE_MS = 250;
const SETTLED_READS = 4;
const MAX_READS = 16;

/**
 * What a server has of memory once that does not change any more, or after 4 s.
 *
 * @param {() => Memory} memory reads what it has now
 * @returns {Promise<Memory>}
 */
export async function settled(memory) {
  let settledReads = 0;
  let last = memory();
  for (let read = 0; read < MAX_READS && settledReads < SETTLED_READS; read += 1) {
    await sleep(SETTLE_MS);
    const now = memory();
    const changed = Math.abs(now.residentKib - last.residentKib) > SETTLED_KIB;
    settledReads = changed ? 0 : settledReads + 1;
    last = now;
  }
  return last;
}

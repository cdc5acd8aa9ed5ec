// @ts-check
import { readFileSync } from 'node:fs';

/** Of clock_t in proc_pid_stat(5), on every Linux there is. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
const MIB = 1024 * 1024;

/**
 * A process, as proc_pid_stat(5) tells of it.
 *
 * @typedef {object} ProcessStat
 * @property {number} pid
 * @property {string} state a letter; `Z` is a zombie
 * @property {number} parent pid
 * @property {number} cpuSeconds of its own threads, user and system time
 * @property {number} childrenCpuSeconds of those that ended and that it has waited for
 * @property {number} virtualBytes
 * @property {number} residentMib not rounded
 */

/**
 * Reads what the kernel tells of a process.
 *
 * @param {number} pid
 * @returns {ProcessStat | undefined} undefined: there is no such process
 */
export function readStat(pid) {
  let stat;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // After the name, which may hold spaces; the first of these is the state, field 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (/** @type {number} */ number) => Number(fields[number - 3]);
  return {
    pid,
    state: fields[0] ?? '',
    parent: field(4),
    cpuSeconds: (field(14) + field(15)) / TICKS_PER_SECOND,
    childrenCpuSeconds: (field(16) + field(17)) / TICKS_PER_SECOND,
    virtualBytes: field(23),
    residentMib: (field(24) * PAGE_BYTES) / MIB,
  };
}

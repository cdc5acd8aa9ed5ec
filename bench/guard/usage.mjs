// @ts-check
import { readdirSync, readFileSync } from 'node:fs';
import { MissingError } from '../lib/missing-error.mjs';

/**
 * For how long the threads of a process had a processor so far: to the nanosecond, where
 * proc_pid_stat(5) has ticks of 10 ms. Time of threads that ended is not part of it; none
 * does in what is measured. See
 * https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat.
 *
 * @param {number} pid
 * @returns {number} in milliseconds
 * @throws MissingError if the kernel does not count it
 */
export function cpuMs(pid) {
  const folder = `/proc/${pid}/task`;
  try {
    const nanoseconds = readdirSync(folder).map((thread) =>
      Number(readFileSync(`${folder}/${thread}/schedstat`, 'latin1').split(' ', 1)[0]),
    );
    return nanoseconds.reduce((sum, value) => sum + value, 0) / 1e6;
  } catch {
    throw new MissingError(`${folder}/*/schedstat: Linux with CONFIG_SCHED_INFO`);
  }
}

/**
 * What came of something, and what it took.
 *
 * @template Result
 * @typedef {object} Timed
 * @property {Result} result
 * @property {number} nanoseconds for which a process had a processor meanwhile
 */

/**
 * @template Result
 * @param {number} pid of the process whose time is taken
 * @param {() => Promise<Result>} act
 * @returns {Promise<Timed<Result>>}
 */
export async function timed(pid, act) {
  const before = cpuMs(pid);
  const result = await act();
  return { result, nanoseconds: (cpuMs(pid) - before) * 1e6 };
}

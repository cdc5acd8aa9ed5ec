// @ts-check
import { readFileSync } from 'node:fs';
import { MissingError } from './missing-error.mjs';

/**
 * For how long the thread of a process that has its event loop had a processor so far. See
 * https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat.
 *
 * @param {number} pid
 * @returns {number} in milliseconds
 * @throws MissingError if the kernel does not count it
 */
function loopMs(pid) {
  const file = `/proc/${pid}/task/${pid}/schedstat`;
  try {
    return Number(readFileSync(file, 'latin1').split(' ', 1)[0]) / 1e6;
  } catch {
    throw new MissingError(`${file}: Linux with CONFIG_SCHED_INFO`);
  }
}

/**
 * What an HTTP server says.
 *
 * @param {string} url
 * @returns {Promise<string>}
 */
export async function scrape(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: status ${response.status}`);
  return response.text();
}

/**
 * What a scrape takes of an event loop, all that HTTP takes of it included: the mean of some, one
 * after the other.
 *
 * @param {number} pid of the process that is scraped
 * @param {string} url
 * @param {number} count
 * @returns {Promise<number>} in milliseconds
 */
export async function costOfScrape(pid, url, count) {
  const before = loopMs(pid);
  for (let i = 0; i < count; i += 1) await scrape(url);
  return (loopMs(pid) - before) / count;
}

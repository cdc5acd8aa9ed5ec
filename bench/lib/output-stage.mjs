// @ts-check
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startRunlet } from '../servers/runlet.mjs';
import { startContender } from './contender.mjs';
import { residentMib } from './resident.mjs';

/**
 * What output is measured with: a server and a bare one, each in a process of its own,
 * as are their clients.
 *
 * @typedef {object} Stage
 * @property {string} flood the path of the program that prints
 * @property {Usage} server
 * @property {<Answer>(request: object) => Promise<Answer>} ask has the client do something
 * @property {<Answer>(request: object) => Promise<Answer>} askOther the same of a second client
 * @property {() => Promise<void>} stop ends all of it
 */

/**
 * What a process uses, read from proc(5).
 *
 * @typedef {object} Usage
 * @property {() => number} cpuSeconds of all its threads since it began, to a tick of 10 ms
 * @property {() => number} residentMib in MiB
 */

/** Of clock_t in proc_pid_stat(5), on every Linux there is. */
const TICKS_PER_SECOND = 100;

/**
 * Starts the servers and the clients.
 *
 * @param {string} flood the path of the program that prints
 * @param {string | undefined} profileFolder where the server leaves a profile, if at all
 * @returns {Promise<Stage>}
 */
export async function startStage(flood, profileFolder) {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-bench-'));
  const server = await startRunlet({ profileFolder });
  const sockets = [server.address, join(folder, 'bare')];
  const bare = await startNode('bare', 'bare-server.mjs', sockets.slice(1));
  const client = await startNode('client', 'output-client.mjs', sockets);
  const other = await startNode('other client', 'output-client.mjs', sockets);
  return {
    flood,
    server: usageOf(server.pid),
    ask: async (request) => answer(await client.ask(JSON.stringify(request))),
    askOther: async (request) => answer(await other.ask(JSON.stringify(request))),
    stop: async () => {
      await Promise.all([client, other, bare].map(({ stop }) => stop()));
      await server.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

/**
 * @param {string} name what errors call it
 * @param {string} script in bench/
 * @param {readonly string[]} args
 */
function startNode(name, script, args) {
  const path = fileURLToPath(new URL(`../${script}`, import.meta.url));
  return startContender(name, process.execPath, [path, ...args]);
}

/**
 * @template Answer
 * @param {unknown} value
 * @returns {Answer} what the caller knows that it is
 */
function answer(value) {
  return /** @type {Answer} */ (value);
}

/**
 * @param {number} pid
 * @returns {Usage}
 */
function usageOf(pid) {
  return {
    cpuSeconds: () => {
      // After the name, which may hold spaces: state is the first, utime the 12th, stime the 13th.
      const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ');
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    },
    residentMib: () => residentMib(pid),
  };
}

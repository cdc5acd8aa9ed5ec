// @ts-check
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { profileArgs } from '../lib/profile.mjs';
import { startProgram, stopProgram } from './server.mjs';

/** @import { Server } from './server.mjs' */

/**
 * What only this server is asked for; its address is the path of a Unix socket.
 *
 * @typedef {object} RunletExtras
 * @property {string} stateFolder where it has the files of older output
 * @property {() => Memory} memory what it has of memory now
 * @property {() => number} maxDescriptors how many files it may have open
 */

/** @typedef {Server & RunletExtras} RunletServer */

/**
 * What a process has of memory, from proc_pid_status(5).
 *
 * @typedef {object} Memory
 * @property {number} residentKib
 * @property {number} anonymousKib the part of it that is of no file
 */

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/**
 * The arguments of Node.js that start a server as it was built.
 *
 * @param {string} folder for its socket, which is called `socket`, and its files
 * @param {string | undefined} profileFolder where it leaves a CPU profile; undefined: none
 * @returns {string[]}
 */
export function serveArgs(folder, profileFolder) {
  const own = ['--listen', `unix:${join(folder, 'socket')}`, '--state-dir', join(folder, 'state')];
  return [...profileArgs(profileFolder), MAIN, 'serve', '--log-level', 'error', ...own];
}

/**
 * Starts a server as its users do; resolves when it listens.
 *
 * @param {object} [options]
 * @param {readonly string[]} [options.flags] beside those for its socket and its files
 * @param {string | undefined} [options.profileFolder] see {@link serveArgs}
 * @returns {Promise<RunletServer>}
 */
export async function startRunlet({ flags = [], profileFolder } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-bench-'));
  const args = [...serveArgs(folder, profileFolder), ...flags];
  const { child } = await startProgram(process.execPath, args, /^runlet listening on /);
  const pid = child.pid ?? 0;
  return {
    address: join(folder, 'socket'),
    pid,
    stateFolder: join(folder, 'state'),
    memory: () => memoryOf(pid),
    maxDescriptors: () => maxDescriptorsOf(pid),
    stop: async () => {
      await stopProgram(child);
      rmSync(folder, { recursive: true });
    },
  };
}

/**
 * What a process has of memory now.
 *
 * @param {number} pid
 * @returns {Memory}
 */
export function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const kib = (/** @type {string} */ field) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  return { residentKib: kib('VmRSS'), anonymousKib: kib('RssAnon') };
}

/**
 * @param {number} pid
 * @returns {number}
 */
function maxDescriptorsOf(pid) {
  const limits = readFileSync(`/proc/${pid}/limits`, 'latin1');
  return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
}

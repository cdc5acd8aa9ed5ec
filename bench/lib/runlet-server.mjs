// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/**
 * A server that runs, in a process and with files of its own.
 *
 * @typedef {object} RunletServer
 * @property {string} socket the path of the Unix socket at which it listens
 * @property {string} stateFolder where it has the files of older output
 * @property {() => Memory} memory what it has of memory now
 * @property {() => number} maxDescriptors how many files it may have open
 * @property {() => Promise<void>} stop ends it, and all that it started
 */

/**
 * What a process has of memory, from proc_pid_status(5).
 *
 * @typedef {object} Memory
 * @property {number} residentKib
 * @property {number} anonymousKib the part of it that is of no file
 */

/** Serves with the program as it was built. */
export const SERVE = [fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url)), 'serve'];

/**
 * Starts a server as its users do; resolves when it listens.
 *
 * @param {object} [options]
 * @param {readonly string[]} [options.flags] beside those for its socket and its files
 * @param {string | undefined} [options.profileFolder] where it leaves a CPU profile.
 *   Default: none is taken
 * @returns {Promise<RunletServer>}
 */
export async function startRunlet({ flags = [], profileFolder } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-bench-'));
  const socket = join(folder, 'socket');
  const stateFolder = join(folder, 'state');
  const node = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`];
  const own = ['--listen', `unix:${socket}`, '--state-dir', stateFolder, '--log-level', 'error'];
  const child = spawn(process.execPath, [...node, ...SERVE, ...own, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    exited.then(() => {
      throw new Error('the server ended before it listened');
    }),
  ]);
  return {
    socket,
    stateFolder,
    memory: () => memoryOf(child.pid ?? 0),
    maxDescriptors: () => maxDescriptorsOf(child.pid ?? 0),
    stop: async () => {
      child.kill();
      await exited;
      rmSync(folder, { recursive: true });
    },
  };
}

/**
 * @param {number} pid
 * @returns {Memory}
 */
function memoryOf(pid) {
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

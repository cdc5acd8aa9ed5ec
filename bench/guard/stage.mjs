// @ts-check
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startContender } from '../lib/contender.mjs';
import { startProgram, stopProgram } from '../servers/server.mjs';

/** @import { Contender } from '../lib/contender.mjs' */

/**
 * What is guarded, and what it is compared to.
 *
 * @typedef {object} Setup
 * @property {string} dist the folder of the server that is measured, as it was built
 * @property {readonly string[]} serverFlags with which it is started, beside those of a row
 * @property {string} flood the path of flood.c, compiled
 * @property {string} plainPages that of plain-pages.c, through which all is started, so
 *   that memory costs the same on all machines
 */

/**
 * Starts what a row needs; all of it ends with the row.
 *
 * @typedef {object} Stage
 * @property {string} socket at which the server listens
 * @property {string} bareSocket at which the bare server does
 * @property {(flags?: readonly string[]) => Promise<number>} serve starts the server;
 *   resolves with its pid
 * @property {(script: string, ...args: string[]) => Promise<Contender>} node starts a
 *   program of bench/
 */

/**
 * Gives a row its stage, and clears it.
 *
 * @template Result
 * @param {Setup} setup
 * @param {(stage: Stage) => Promise<Result>} act
 * @returns {Promise<Result>}
 */
export async function onStage(setup, act) {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-guard-'));
  const socket = join(folder, 'socket');
  /** @type {(() => Promise<void>)[]} */
  const stops = [];
  try {
    return await act({
      socket,
      bareSocket: join(folder, 'bare'),
      serve: async (flags = []) => {
        const own = ['--listen', `unix:${socket}`, '--state-dir', join(folder, 'state')];
        const { pid, stop } = await serve(setup, [...own, ...flags]);
        stops.unshift(stop);
        return pid;
      },
      node: async (script, ...args) => {
        const path = fileURLToPath(new URL(`../${script}`, import.meta.url));
        const all = [process.execPath, path, ...args];
        const contender = await startContender(script, setup.plainPages, all);
        stops.unshift(contender.stop);
        return contender;
      },
    });
  } finally {
    for (const stop of stops) await stop();
    rmSync(folder, { recursive: true });
  }
}

/**
 * Asks a contender that takes JSON.
 *
 * @template Answer
 * @param {Contender} contender
 * @param {object} request
 * @returns {Promise<Answer>} what the caller knows that it is
 */
export async function ask(contender, request) {
  return /** @type {Answer} */ (await contender.ask(JSON.stringify(request)));
}

/**
 * Starts the server as its users do; resolves when it listens.
 *
 * @param {Setup} setup
 * @param {readonly string[]} flags
 */
async function serve({ dist, plainPages, serverFlags }, flags) {
  const args = [process.execPath, join(dist, 'cli/main.js'), 'serve', '--log-level', 'error'];
  const all = [...args, ...flags, ...serverFlags];
  const { child } = await startProgram(plainPages, all, /^runlet listening on /);
  return { pid: child.pid ?? 0, stop: () => stopProgram(child) };
}

// @ts-check
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProgram, stopProgram } from './server.mjs';

/** @import { Server } from './server.mjs' */

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/**
 * Starts the server as it was built, with its defaults, on a Unix socket.
 *
 * @param {{ flags?: readonly string[], profileFolder?: string | undefined }} [options]
 *   `flags`: of `runlet serve`; `profileFolder`: where it leaves a CPU profile
 * @returns {Promise<Server>}
 */
export async function startRunlet({ flags = [], profileFolder } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-bench-'));
  const socket = join(folder, 'socket');
  const profile =
    profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`];
  const { child } = await startProgram(
    process.execPath,
    [
      ...profile,
      MAIN,
      ...['serve', '--listen', `unix:${socket}`, '--log-level', 'error'],
      ...['--state-dir', join(folder, 'state'), ...flags],
    ],
    /^runlet listening on /,
  );
  return {
    address: socket,
    pid: child.pid ?? 0,
    stop: async () => {
      await stopProgram(child);
      rmSync(folder, { recursive: true });
    },
  };
}

// @ts-check
import { join } from 'node:path';
import { serveArgs } from '../../bench/servers/runlet.mjs';
import { startProgram, stopProgram } from '../../bench/servers/server.mjs';
import { makeScratchFolder } from './scratch-folder.mjs';

const COLLECT = new URL('collect-on-signal.mjs', import.meta.url).href;

/**
 * A server that is loaded.
 *
 * @typedef {object} LoadedServer
 * @property {string} address HOST:PORT, of the loopback interface
 * @property {string} socket the path of a Unix socket on which it listens, too
 * @property {number} pid
 * @property {() => void} collect has it collect all garbage, soon
 * @property {() => Promise<void>} stop ends it with SIGTERM; resolves when it is gone, and its files
 */

/**
 * Starts the program that `npm run build` built, as its users do but for {@link COLLECT},
 * with a state folder of its own; resolves when it listens. It ends when this process exits.
 *
 * @param {readonly string[]} [flags] beside those for its addresses and its files
 * @returns {Promise<LoadedServer>}
 * @throws Error if it ends before
 */
export async function startServer(flags = []) {
  const folder = makeScratchFolder();
  const collecting = ['--expose-gc', '--import', COLLECT];
  const tcp = ['--listen', '127.0.0.1:0', '--auth', 'none'];
  const { child, match } = await startProgram(
    process.execPath,
    [...collecting, ...serveArgs(folder.path, undefined), ...tcp, ...flags],
    /^runlet listening on (127\.0\.0\.1:\d+)$/,
  );
  const kill = () => void child.kill();
  process.once('exit', kill);
  return {
    address: match[1] ?? '',
    socket: join(folder.path, 'socket'),
    pid: child.pid ?? 0,
    collect: () => void child.kill('SIGUSR2'),
    stop: async () => {
      await stopProgram(child);
      process.off('exit', kill);
      folder.remove();
    },
  };
}

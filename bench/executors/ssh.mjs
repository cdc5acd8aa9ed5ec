// @ts-check
import { spawn } from 'node:child_process';
import { remoteOf } from './child-process.mjs';

/** @import { Executor } from './executor.mjs' */

/**
 * The client of OpenSSH, once for each process, as it is used: all share the connection
 * of a master that runs already. A command is a line for the user's shell there.
 *
 * @param {string} address the path of a configuration file, which knows the host `bench`
 * @returns {Promise<Executor>}
 */
export async function openSsh(address) {
  return {
    start: (order) => {
      const { argv, stdin } = order;
      const args = [
        ...(stdin ? [] : ['-n']),
        '-F',
        address,
        'bench',
        `exec ${argv.map(quote).join(' ')}`,
      ];
      return remoteOf(
        spawn('ssh', args, { stdio: [stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'] }),
        order,
      );
    },
    close: () => {},
  };
}

/** @param {string} word as the shell takes it back apart */
function quote(word) {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

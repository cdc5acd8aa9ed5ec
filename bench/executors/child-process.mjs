// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ENVIRONMENT } from './executor.mjs';

/** @import { ChildProcess } from 'node:child_process' */
/** @import { Executor, Order, Remote } from './executor.mjs' */

/**
 * Node.js itself, in the process that asks: no server, nothing is kept.
 *
 * @returns {Promise<Executor>}
 */
export async function openChildProcess() {
  return {
    start: (order) => {
      const [program = '', ...args] = order.argv;
      const stdin = order.stdin ? 'pipe' : 'ignore';
      return remoteOf(
        spawn(program, args, { cwd: '/', env: ENVIRONMENT, stdio: [stdin, 'pipe', 'pipe'] }),
        order,
      );
    },
    close: () => {},
  };
}

/**
 * @param {ChildProcess} child
 * @param {Order} order
 * @returns {Remote}
 */
export function remoteOf(child, { onOutput = () => {} }) {
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (/** @type {Buffer} */ data) => onOutput(data.byteLength));
  }
  // What it says with its exit is enough.
  child.stdin?.on('error', () => {});
  const closed = once(child, 'close').then(([code]) => {
    if (code !== 0) throw new Error(`${child.spawnfile} ended with ${code}`);
  });
  return {
    closed,
    write: async (data) => {
      if (child.stdin !== null && !child.stdin.write(data)) await once(child.stdin, 'drain');
    },
    kill: () => void child.kill(),
  };
}

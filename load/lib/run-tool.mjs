// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** How long a tool that was asked to end may take to do so. */
const GRACE_MS = 5_000;

/**
 * What came of a program.
 *
 * @typedef {object} Finished
 * @property {number | null} code null if a signal ended it
 * @property {string} stdout
 * @property {string} stderr
 * @property {boolean} late whether it was ended for taking too long
 */

/**
 * Runs a program to its end, or ends it after a time: with SIGTERM, and then with SIGKILL.
 * If this process exits before, it is killed.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ timeoutMs: number, env?: NodeJS.ProcessEnv, cwd: string }} options `env` is
 *   added to this process's own
 * @returns {Promise<Finished>}
 */
export async function runTool(program, args, { timeoutMs, env, cwd }) {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  let late = false;
  const end = () => {
    late = true;
    child.kill('SIGTERM');
  };
  const timers = [setTimeout(end, timeoutMs), setTimeout(kill, timeoutMs + GRACE_MS)];
  try {
    const closed = once(child, 'close');
    const [[code], stdout, stderr] = await Promise.all([
      closed,
      text(child.stdout),
      text(child.stderr),
    ]);
    return { code, stdout, stderr, late };
  } finally {
    for (const timer of timers) clearTimeout(timer);
    process.off('exit', kill);
  }
}

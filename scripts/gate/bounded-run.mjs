// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** How long what is stopped has to end by itself. */
const GRACE_MS = 10_000;

/**
 * Runs a command in a group of its own, to its end or until a signal aborts; then the whole
 * group is ended.
 *
 * @param {readonly string[]} command the program and its arguments
 * @param {object} options
 * @param {string} options.cwd
 * @param {Readonly<Record<string, string>>} options.env added to that of this program
 * @param {'inherit' | number} options.output where its output goes, that of errors included
 * @param {AbortSignal} options.signal
 * @returns {Promise<string>} what is wrong with how it ended; empty if it exited with 0
 */
export async function boundedRun([program = '', ...args], { cwd, env, output, signal }) {
  if (signal.aborted) return 'no time was left for it';
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
    detached: true,
  });
  /** @type {NodeJS.Timeout | undefined} */
  let hard;
  const stop = () => {
    killGroup(child.pid, 'SIGTERM');
    hard = setTimeout(() => killGroup(child.pid, 'SIGKILL'), GRACE_MS);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const [code, by] = await once(child, 'exit');
    if (signal.aborted) {
      // Others of the group may go on without it.
      killGroup(child.pid, 'SIGKILL');
      return 'it was stopped';
    }
    if (code === 0) return '';
    return by === null ? `exit code ${code}` : `ended by ${by}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    signal.removeEventListener('abort', stop);
    clearTimeout(hard);
  }
}

/**
 * @param {number | undefined} leader
 * @param {NodeJS.Signals} signal
 */
function killGroup(leader, signal) {
  if (leader === undefined) return;
  try {
    process.kill(-leader, signal);
  } catch {
    // Nothing of it is left.
  }
}

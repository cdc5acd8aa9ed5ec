// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { residentMib } from './resident.mjs';

/**
 * A program that is measured in a process of its own. It prints a line of JSON when
 * it is ready, answers each line of its standard input with one, and exits at the
 * end of its input.
 *
 * @typedef {object} Contender
 * @property {string} name what the tables call it
 * @property {number} pid
 * @property {number} residentMib what it has of memory when it is ready, in MiB
 * @property {(request: string) => Promise<unknown>} ask sends a line, resolves with the answer
 * @property {() => Promise<void>} stop resolves when it has exited
 */

/**
 * Starts a contender; resolves when it is ready.
 *
 * @param {string} name what the tables call it
 * @param {string} program its path
 * @param {readonly string[]} args
 * @returns {Promise<Contender>}
 * @throws Error if it exits before it is ready; so does `ask`
 */
export async function startContender(name, program, args) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'close');
  // A contender that exits is noticed by the end of what it prints.
  child.stdin.on('error', () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { done, value } = await lines.next();
    if (done) {
      const [code, signal] = await exited;
      throw new Error(`${name} ended too early, with ${signal ?? `exit code ${code}`}`);
    }
    return /** @type {unknown} */ (JSON.parse(value));
  };
  await answer();
  return {
    name,
    pid: child.pid ?? 0,
    residentMib: residentMib(child.pid ?? 0),
    ask: (request) => {
      child.stdin.write(`${request}\n`);
      return answer();
    },
    stop: async () => {
      child.stdin.end();
      await exited;
    },
  };
}

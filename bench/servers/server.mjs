// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** @import { ChildProcess, SpawnOptions } from 'node:child_process' */

/**
 * A server that was started to be measured.
 *
 * @typedef {object} Server
 * @property {string} address as its executor takes it
 * @property {number} pid
 * @property {() => Promise<void>} stop resolves when it is gone, and its files
 */

/**
 * Starts a program that says on its standard output when it is ready.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {RegExp} ready what a line of its output has then
 * @param {SpawnOptions['env']} [env] default: that of this process
 * @returns {Promise<{ child: ChildProcess, match: RegExpExecArray }>}
 * @throws Error if it ends before
 */
export async function startProgram(program, args, ready, env = process.env) {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const match = ready.exec(line);
    if (match === null) continue;
    child.stdout.resume();
    return { child, match };
  }
  throw new Error(`${program} ended before it was ready`);
}

/**
 * Ends a program that was started.
 *
 * @param {ChildProcess} child
 */
export async function stopProgram(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill();
  await exited;
}

/**
 * A port of the loopback interface that nobody listens on.
 *
 * @returns {Promise<number>}
 */
export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('there is no port');
  return address.port;
}

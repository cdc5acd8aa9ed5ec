import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs a command to its end and gives what it printed; fails, with that, if it failed. */
export async function run(command, args, cwd, env = process.env) {
  try {
    return await promisify(execFile)(command, args, { cwd, env, maxBuffer: Infinity });
  } catch (cause) {
    const { message, stderr = '', stdout = '' } = cause;
    throw new Error(`${message}\n${stdout}${stderr}`, { cause });
  }
}

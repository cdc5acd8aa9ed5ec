import { spawnSync } from 'node:child_process';

/**
 * Whether a program of the system does its work, so that what needs it can be tested; whoever skips
 * tests names it. Where `CI` is `true` nothing may be missing, and this throws.
 */
export function hasTool(program: string, ...args: readonly string[]): boolean {
  if (spawnSync(program, args, { stdio: 'ignore' }).status === 0) return true;
  if (process.env['CI'] === 'true') throw new Error(`missing: the command ${program}`);
  return false;
}

/** Whether bwrap(1) can make a sandbox for the user that runs the tests. */
export function hasBwrap(): boolean {
  return hasTool('bwrap', '--unshare-user', '--ro-bind', '/', '/', 'true');
}

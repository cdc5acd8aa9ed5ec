// @ts-check
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { MissingError } from '../lib/missing-error.mjs';
import { startProgram, stopProgram } from './server.mjs';

/** @import { Server } from './server.mjs' */

/** Where `npm run bench:install` puts what is measured beside runlet, outside of the project. */
export const ALTERNATIVES = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'runlet-bench',
);

/** The package of npm that has it, with the version that is measured. */
export const CODEX = '@openai/codex@0.169.0';

/**
 * Finds the program.
 *
 * @returns {{ program: string, version: string }}
 * @throws MissingError
 */
export function findExecServer() {
  const program = process.env['BENCH_CODEX'] ?? installed();
  const missing = 'the exec-server of Codex: npm run bench:install installs it';
  if (program === undefined) throw new MissingError(missing);
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  if (status !== 0) throw new MissingError(missing);
  return { program, version: stdout.trim() };
}

/** The program itself, which the package starts through Node.js. */
function installed() {
  const scope = join(ALTERNATIVES, 'node_modules', '@openai');
  const [platform] = existsSync(scope)
    ? readdirSync(scope).filter((name) => name.startsWith('codex-'))
    : [];
  const vendor = join(scope, platform ?? '', 'vendor');
  if (platform === undefined || !existsSync(vendor)) return undefined;
  const [target = ''] = readdirSync(vendor);
  return join(vendor, target, 'bin', 'codex');
}

/**
 * Starts it on a port of the loopback interface.
 *
 * @param {{ program: string }} found
 * @returns {Promise<Server>}
 */
export async function startExecServer({ program }) {
  // Not below /tmp, where it does not want to be at home.
  const home = mkdtempSync(join(homedir(), '.runlet-bench-'));
  const { child, match } = await startProgram(
    program,
    ['exec-server', '--listen', 'ws://127.0.0.1:0'],
    /^ws:\/\/[\d.:]+$/,
    { PATH: process.env['PATH'], HOME: home, CODEX_HOME: home },
  );
  return {
    address: match[0],
    pid: child.pid ?? 0,
    stop: async () => {
      await stopProgram(child);
      rmSync(home, { recursive: true });
    },
  };
}

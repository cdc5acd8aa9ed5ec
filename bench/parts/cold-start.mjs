// @ts-check
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startContender } from '../lib/contender.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { makeRow } from '../lib/row.mjs';
import { SERVE } from '../lib/runlet-server.mjs';

/** @import { Contender, Options, Result } from '../lib/part.mjs' */
/** @import { ColdStart } from '../cold-start-client.mjs' */

export const name = 'cold-start';
export const summary = 'how long it takes from the start of a server to its first answer';

/** After one that is not counted: files have to be read from the disk. */
const ROUNDS = 15;

/** How a contender is started. @typedef {{ name: string, request: Partial<ColdStart> }} Started */

/**
 * Takes about 20 seconds.
 *
 * @param {Options} options
 * @returns {Promise<Result>}
 */
export async function run({ profileFolder, say }) {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-bench-'));
  const execServer = describeExecServer();
  const started = [
    runletIn(folder, profileFolder),
    bareIn(folder),
    { name: 'node', request: { argv: [process.execPath, '-e', '0'] } },
    ...(execServer.missing === undefined ? [execServerIn(folder)] : []),
  ];
  const script = fileURLToPath(new URL('../cold-start-client.mjs', import.meta.url));
  const client = await startContender('client', process.execPath, [script]);
  const measure = async (/** @type {Started} */ { request }) =>
    /** @type {number} */ (await client.ask(JSON.stringify(request)));
  say('once each');
  await inTurns(started, 1, measure);
  say('in turns');
  const rounds = await inTurns(started, ROUNDS, measure);
  await client.stop();
  rmSync(folder, { recursive: true });
  const values = started.map(({ name }, index) => ({
    contender: name,
    rounds: rounds[index] ?? [],
  }));
  const about = { id: 'first-answer', measure: 'start of the server to its first answer' };
  const compared = { bare: undefined, node: undefined, 'exec-server': undefined };
  return {
    contenders: [
      { name: 'runlet', about: 'GetServerInfo over a Unix socket' },
      { name: 'bare', about: 'grpc-js alone, a call over a Unix socket' },
      { name: 'node', about: `Node.js ${process.version} with nothing to do, to its exit` },
      execServer,
    ],
    rows: [makeRow({ ...about, unit: 'ms' }, values, 'runlet', compared)],
  };
}

/**
 * @param {string} folder
 * @param {string | undefined} profileFolder
 * @returns {Started}
 */
function runletIn(folder, profileFolder) {
  const address = join(folder, 'runlet');
  const node = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`];
  const flags = ['--listen', `unix:${address}`, '--state-dir', join(folder, 'state')];
  const argv = [process.execPath, ...node, ...SERVE, ...flags, '--log-level', 'error'];
  return { name: 'runlet', request: { argv, call: 'runlet', address } };
}

/**
 * @param {string} folder
 * @returns {Started}
 */
function bareIn(folder) {
  const script = fileURLToPath(new URL('../bare-server.mjs', import.meta.url));
  const address = join(folder, 'bare');
  return {
    name: 'bare',
    request: { argv: [process.execPath, script, address], call: 'bare', address },
  };
}

/**
 * @param {string} folder its home
 * @returns {Started}
 */
function execServerIn(folder) {
  const argv = [process.env['BENCH_CODEX'] ?? '', 'exec-server', '--listen', 'ws://127.0.0.1:0'];
  const env = { HOME: folder, CODEX_HOME: folder };
  return { name: 'exec-server', request: { argv, env, call: 'exec-server', address: '' } };
}

/** @returns {Contender} */
function describeExecServer() {
  const binary = process.env['BENCH_CODEX'];
  const { status, stdout } = spawnSync(binary || 'false', ['--version'], { encoding: 'utf8' });
  if (status === 0) {
    return {
      name: 'exec-server',
      about: `that of Codex, ${stdout.trim()}: initialize over WebSocket`,
    };
  }
  return {
    name: 'exec-server',
    about: 'that of Codex: initialize over WebSocket',
    missing:
      'BENCH_CODEX has to be the path of a codex binary; npm install @openai/codex brings one',
  };
}

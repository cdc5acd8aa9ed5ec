// @ts-check
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startContender } from '../lib/contender.mjs';
import { MissingError } from '../lib/missing-error.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { makeRow } from '../lib/row.mjs';
import { findExecServer } from '../servers/exec-server.mjs';
import { serveArgs } from '../servers/runlet.mjs';

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
  const execServer = execServerIn(folder);
  const started = [
    runletIn(folder, profileFolder),
    bareIn(folder),
    { name: 'node', request: { argv: [process.execPath, '-e', '0'] } },
    ...(execServer.started === undefined ? [] : [execServer.started]),
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
  const compared = { 'bare grpc-js': undefined, node: undefined, 'exec-server': undefined };
  return {
    contenders: [
      { name: 'runlet', about: 'GetServerInfo over a Unix socket' },
      { name: 'bare grpc-js', about: 'grpc-js alone, a call over a Unix socket' },
      { name: 'node', about: `Node.js ${process.version} with nothing to do, to its exit` },
      execServer.contender,
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
  const argv = [process.execPath, ...serveArgs(folder, profileFolder)];
  return { name: 'runlet', request: { argv, call: 'runlet', address: join(folder, 'socket') } };
}

/**
 * @param {string} folder
 * @returns {Started}
 */
function bareIn(folder) {
  const script = fileURLToPath(new URL('../bare-server.mjs', import.meta.url));
  const address = join(folder, 'bare');
  return {
    name: 'bare grpc-js',
    request: { argv: [process.execPath, script, address], call: 'bare', address },
  };
}

/**
 * @param {string} folder its home
 * @returns {{ contender: Contender, started: Started | undefined }}
 */
function execServerIn(folder) {
  const name = 'exec-server';
  try {
    const { program, version } = findExecServer();
    const argv = [program, 'exec-server', '--listen', 'ws://127.0.0.1:0'];
    const env = { HOME: folder, CODEX_HOME: folder };
    return {
      contender: { name, about: `${version} exec-server: initialize over WebSocket` },
      started: { name, request: { argv, env, call: 'exec-server', address: '' } },
    };
  } catch (error) {
    if (!(error instanceof MissingError)) throw error;
    return { contender: { name, about: name, missing: error.what }, started: undefined };
  }
}

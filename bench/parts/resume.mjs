// @ts-check
import { fileURLToPath } from 'node:url';
import { startContender } from '../lib/contender.mjs';
import { makeRow } from '../lib/row.mjs';
import { startRunlet } from '../servers/runlet.mjs';

/** @import { Contender as Driver } from '../lib/contender.mjs' */
/** @import { Options, Result } from '../lib/part.mjs' */
/** @import { Row } from '../lib/row.mjs' */
/** @import { Target } from '../lib/runlet-client.mjs' */
/** @import { Resumed } from '../resume-client.mjs' */

export const name = 'resume';
export const summary = 'how long it takes to come back for 64 MiB of output';

const MIB = 2 ** 20;
const BYTES = 64 * MIB;

/** Longer than all rounds take. */
const RETENTION = ['--retention', '3600'];

/** Where the output is: the older half in files, as by default, or all in memory. */
const PLACES = [
  { id: 'default', about: 'the older half in files', flags: [] },
  { id: 'memory', about: 'all in memory', flags: ['--output-disk', '0'] },
];

/** Where the client had got. */
const PARTS = [
  { id: 'all', about: 'from the first byte', share: 0 },
  { id: 'half', about: 'from the middle of its events', share: 0.5 },
];

/** The first is not counted: code has to be compiled. */
const ROUNDS = 7;

/**
 * Takes about 30 seconds.
 *
 * @param {Options} options
 * @returns {Promise<Result>}
 */
export async function run({ profileFolder, say }) {
  const rows = [];
  for (const { about, flags, id } of PLACES) {
    say(about);
    const server = await startRunlet({ profileFolder, flags: [...RETENTION, ...flags] });
    const bareSocket = `${server.address}-bare`;
    const bare = await startNode('bare', 'bare-server.mjs', [bareSocket]);
    const client = await startNode('client', 'resume-client.mjs', [server.address, bareSocket]);
    const order = { argv: ['/usr/bin/head', '-c', `${BYTES}`, '/dev/zero'], retainedBytes: BYTES };
    const printed = /** @type {{ target: Target, lastSeq: number }} */ (
      await ask(client, { command: 'print', order })
    );
    for (const part of PARTS) {
      const afterSeq = Math.floor(printed.lastSeq * part.share);
      const rounds = await measure(client, printed.target, afterSeq);
      const title = `64 MiB that were printed before, ${part.about}, ${about}`;
      rows.push(rowOf(`${id}-${part.id}`, title, rounds));
    }
    await client.stop();
    await bare.stop();
    await server.stop();
  }
  return {
    contenders: [
      { name: 'runlet', about: 'WatchProcess over a new connection' },
      { name: 'bare', about: 'grpc-js alone, which sends as many bytes in as many messages' },
    ],
    rows,
  };
}

/**
 * Resumes, and has the bare server send as much right after, again and again.
 *
 * @param {Driver} client
 * @param {Target} target
 * @param {number} afterSeq
 * @returns {Promise<{ runlet: Resumed, bare: Resumed }[]>}
 */
async function measure(client, target, afterSeq) {
  const rounds = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const runlet = await ask(client, { command: 'resume', target, afterSeq });
    const { tally } = /** @type {Resumed} */ (runlet);
    const size = Math.ceil(tally.bytes / tally.messages);
    const bare = await ask(client, { command: 'bare', bytes: tally.bytes, size });
    rounds.push({
      runlet: /** @type {Resumed} */ (runlet),
      bare: /** @type {Resumed} */ (bare),
    });
  }
  return rounds.slice(1);
}

/**
 * @param {string} id
 * @param {string} measure
 * @param {readonly { runlet: Resumed, bare: Resumed }[]} rounds
 * @returns {Row}
 */
function rowOf(id, measure, rounds) {
  const values = /** @type {const} */ (['runlet', 'bare']).map((contender) => ({
    contender,
    rounds: rounds.map((round) => round[contender].ms),
  }));
  const details = { tally: rounds[0]?.runlet.tally };
  return makeRow({ id, measure, unit: 'ms', details }, values, 'runlet', { bare: undefined });
}

/**
 * @param {string} name what errors call it
 * @param {string} script in bench/
 * @param {readonly string[]} args
 */
function startNode(name, script, args) {
  const path = fileURLToPath(new URL(`../${script}`, import.meta.url));
  return startContender(name, process.execPath, [path, ...args]);
}

/**
 * @param {Driver} client
 * @param {object} request
 */
function ask(client, request) {
  return client.ask(JSON.stringify(request));
}

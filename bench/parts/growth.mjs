// @ts-check
import { fileURLToPath } from 'node:url';
import { startContender } from '../lib/contender.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { makeRow } from '../lib/row.mjs';
import { median, quantile } from '../lib/statistics.mjs';
import { startRunlet } from '../servers/runlet.mjs';

/** @import { Contender as Driver } from '../lib/contender.mjs' */
/** @import { Options, Result } from '../lib/part.mjs' */
/** @import { Row } from '../lib/row.mjs' */
/** @import { RunletServer } from '../servers/runlet.mjs' */

export const name = 'growth';
export const summary = 'what a start costs when the server holds much already';

/** Live processes in the server. */
const LIVE = [0, 1_000, 5_000];

const MIB = 2 ** 20;

/** What is retained, of closed processes: 1 GiB. So much of each is in memory by default. */
const RETAINED = { processes: 64, bytes: 16 * MIB };

/** Long enough that nothing is evicted. */
const RETENTION = ['--retention', '3600'];
/** So that all is in memory, with what blocks have beside it, and so that nearly nothing is. */
const IN_MEMORY = ['--output-memory', `${1280 * MIB}`, '--output-disk', '0'];
const IN_FILES = ['--output-memory', `${16 * MIB}`];

const ROUNDS = 7;
const ROUND_SECONDS = 0.6;
/** Code has to be compiled in the server as in its client. */
const WARM_UP_SECONDS = 1.5;

/** Of the empty server's latency. */
const TARGET = { most: 1.5 };

const EMPTY = 'empty';
const HOLDING = 'holding';

/**
 * A server, and a client that measures it.
 *
 * @typedef {object} Measured
 * @property {string} name of the contender
 * @property {RunletServer} server
 * @property {Driver} client
 */

/**
 * Takes about 60 seconds.
 *
 * @param {Options} options
 * @returns {Promise<Result>}
 */
export async function run({ profileFolder, say }) {
  const empty = await startMeasured(EMPTY, {});
  const rows = [
    ...(await measureLive(empty, profileFolder, say)),
    await measureRetained(empty, 'memory', IN_MEMORY, say),
    await measureRetained(empty, 'files', IN_FILES, say),
  ];
  await stopMeasured(empty);
  return {
    contenders: [
      { name: HOLDING, about: 'a server that holds what the row says' },
      { name: EMPTY, about: 'a server beside it that holds nothing' },
    ],
    rows,
  };
}

/**
 * With more and more live processes.
 *
 * @param {Measured} empty
 * @param {string | undefined} profileFolder
 * @param {Options['say']} say
 * @returns {Promise<Row[]>}
 */
async function measureLive(empty, profileFolder, say) {
  const holding = await startMeasured(HOLDING, { profileFolder });
  const holder = await startHolder(holding.server);
  const rows = [];
  let held = 0;
  for (const count of LIVE) {
    say(`${count} live processes`);
    await holder.ask(JSON.stringify({ command: 'processes', count: count - held }));
    held = count;
    const about = `start of /bin/true to its end, with ${count.toLocaleString('en-US')} live processes`;
    rows.push(await compare(`live-${count}`, about, empty, holding));
  }
  await holder.ask(JSON.stringify({ command: 'clear' }));
  await holder.stop();
  await stopMeasured(holding);
  return rows;
}

/**
 * With output of processes that are closed.
 *
 * @param {Measured} empty
 * @param {'memory' | 'files'} where the output is
 * @param {readonly string[]} flags of the server, that it is there
 * @param {Options['say']} say
 * @returns {Promise<Row>}
 */
async function measureRetained(empty, where, flags, say) {
  say(`output retained in ${where}`);
  const holding = await startMeasured(HOLDING, { flags: [...RETENTION, ...flags] });
  const holder = await startHolder(holding.server);
  const { processes: count, bytes } = RETAINED;
  await holder.ask(JSON.stringify({ command: 'output', count, bytes }));
  const about = `the same, with ${(count * bytes) / MIB} MiB of output retained in ${where}`;
  const row = await compare(`retained-${where}`, about, empty, holding);
  await holder.stop();
  await stopMeasured(holding);
  return row;
}

/**
 * Starts one process after the other in both servers, in turns.
 *
 * @param {string} id
 * @param {string} measure
 * @param {Measured} empty
 * @param {Measured} holding
 * @returns {Promise<Row>}
 */
async function compare(id, measure, empty, holding) {
  const both = [holding, empty];
  await inTurns(both, 1, ({ client }) => latencies(client, WARM_UP_SECONDS));
  const rounds = await inTurns(both, ROUNDS, ({ client }) => latencies(client, ROUND_SECONDS));
  const values = both.map(({ name }, index) => ({
    contender: name,
    rounds: (rounds[index] ?? []).map(median),
    p99: (rounds[index] ?? []).map((ms) => quantile(ms, 0.99)),
  }));
  const details = Object.fromEntries(both.map(({ name, server }) => [name, server.memory()]));
  return makeRow({ id, measure, unit: 'ms', details }, values, HOLDING, { [EMPTY]: TARGET });
}

/**
 * @param {Driver} client
 * @param {number} seconds
 * @returns {Promise<number[]>} of each start
 */
async function latencies({ ask }, seconds) {
  const answer = await ask(JSON.stringify({ measure: 'latency', seconds }));
  return /** @type {number[]} */ (answer);
}

/**
 * @param {string} name
 * @param {Parameters<typeof startRunlet>[0]} options
 * @returns {Promise<Measured>}
 */
async function startMeasured(name, options) {
  const server = await startRunlet(options);
  const script = fileURLToPath(new URL('../executors/driver.mjs', import.meta.url));
  const args = [script, 'runlet', server.address];
  return { name, server, client: await startContender(name, process.execPath, args) };
}

/**
 * Starts what has a server hold things.
 *
 * @param {RunletServer} server
 */
function startHolder({ address }) {
  const script = fileURLToPath(new URL('../idle-client.mjs', import.meta.url));
  return startContender('holder', process.execPath, [script, address, '4']);
}

/** @param {Measured} measured */
async function stopMeasured({ client, server }) {
  await client.stop();
  await server.stop();
}

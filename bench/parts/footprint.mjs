// @ts-check
import { fileURLToPath } from 'node:url';
import { startContender } from '../lib/contender.mjs';
import { makeRow } from '../lib/row.mjs';
import { settled } from '../lib/settled.mjs';
import { startRunlet } from '../servers/runlet.mjs';

/** @import { Contender as Driver } from '../lib/contender.mjs' */
/** @import { Options, Result } from '../lib/part.mjs' */
/** @import { Row } from '../lib/row.mjs' */
/** @import { Memory, RunletServer } from '../servers/runlet.mjs' */

export const name = 'footprint';
export const summary = 'how much memory idle sessions, processes and watchers take';

/** How many of a kind there are when memory is read. */
const COUNTS = [100, 1_000, 10_000];

/**
 * What is measured: `allowedKib` is what one may take, `command` is the client's. A count
 * of thousands is reached in so many of the rounds as there is time for.
 *
 * @typedef {object} Kind
 * @property {string} id
 * @property {'sessions' | 'processes' | 'watchers'} command
 * @property {string} measure
 * @property {number} allowedKib
 * @property {number} descriptors that the server has open for each
 * @property {number} fullRounds
 */

/** @type {readonly Kind[]} */
const KINDS = [
  {
    id: 'session',
    command: 'sessions',
    measure: 'resident memory of an idle session',
    allowedKib: 20,
    descriptors: 0,
    fullRounds: 3,
  },
  {
    id: 'process',
    command: 'processes',
    measure: 'resident memory of an idle process',
    allowedKib: 60,
    descriptors: 2,
    fullRounds: 1,
  },
  {
    id: 'watcher',
    command: 'watchers',
    measure: 'resident memory of an idle watcher',
    allowedKib: 20,
    descriptors: 0,
    fullRounds: 3,
  },
];

const ROUNDS = 3;

/** Processes of clients, and connections of each. */
const CLIENTS = 4;
const CONNECTIONS = 10;

/**
 * So many are made and given up first, for code to be compiled. Not more: the heap that
 * they leave would take in much of what is measured.
 */
const WARM_UP = 400;

/** Descriptors that the server needs for everything else. */
const OTHER_DESCRIPTORS = 512;

/**
 * What a round found of one count.
 *
 * @typedef {object} Reading
 * @property {number} count
 * @property {number} kib resident, of each
 * @property {Memory} fresh before there were any
 * @property {Memory} before there were any but those to warm up
 * @property {Memory} after
 */

/**
 * Takes about 90 seconds.
 *
 * @param {Options} options
 * @returns {Promise<Result>}
 */
export async function run({ profileFolder, say }) {
  const rows = [];
  for (const kind of KINDS) {
    const rounds = /** @type {Reading[][]} */ ([]);
    for (let round = 0; round < ROUNDS; round += 1) {
      say(`${kind.command}, round ${round + 1}`);
      const counts = COUNTS.slice(0, round < kind.fullRounds ? undefined : -1);
      rounds.push(await measure(kind, counts, profileFolder));
    }
    rows.push(...COUNTS.map((count, index) => rowOf(kind, count, index, rounds)));
  }
  return {
    contenders: [
      { name: 'runlet', about: 'the server, its resident memory' },
      { name: 'allowance', about: 'what each may take: a number that was set, not measured' },
    ],
    rows,
  };
}

/**
 * Has a fresh server hold more and more of a kind.
 *
 * @param {Kind} kind
 * @param {readonly number[]} counts
 * @param {string | undefined} profileFolder
 * @returns {Promise<Reading[]>} one of each count
 */
async function measure({ command, descriptors }, counts, profileFolder) {
  const server = await startRunlet({ profileFolder });
  const script = fileURLToPath(new URL('../idle-client.mjs', import.meta.url));
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, (_, index) =>
      startContender(`client ${index}`, process.execPath, [
        script,
        server.address,
        `${CONNECTIONS}`,
      ]),
    ),
  );
  const most = descriptors === 0 ? Number.POSITIVE_INFINITY : room(server) / descriptors;
  const fresh = server.memory();
  await grow(clients, command, WARM_UP);
  await askAll(clients, { command: 'clear' });
  const before = await settled(server.memory);
  const readings = [];
  let held = 0;
  for (const wanted of counts) {
    const count = Math.min(wanted, Math.floor(most / CLIENTS) * CLIENTS);
    await grow(clients, command, count - held);
    held = count;
    const after = await settled(server.memory);
    const kib = (after.residentKib - before.residentKib) / count;
    readings.push({ count, kib, fresh, before, after });
  }
  await askAll(clients, { command: 'clear' });
  await Promise.all(clients.map(({ stop }) => stop()));
  await server.stop();
  return readings;
}

/**
 * How many descriptors the server can open yet.
 *
 * @param {RunletServer} server
 */
function room({ maxDescriptors }) {
  return maxDescriptors() - OTHER_DESCRIPTORS;
}

/**
 * @param {readonly Driver[]} clients
 * @param {string} command
 * @param {number} count of all clients together
 */
function grow(clients, command, count) {
  return askAll(clients, { command, count: count / clients.length });
}

/**
 * @param {readonly Driver[]} clients
 * @param {object} request
 */
async function askAll(clients, request) {
  await Promise.all(clients.map(({ ask }) => ask(JSON.stringify(request))));
}

/**
 * @param {Kind} kind
 * @param {number} wanted
 * @param {number} index of that count
 * @param {readonly Reading[][]} rounds
 * @returns {Row}
 */
function rowOf({ allowedKib, id, measure }, wanted, index, rounds) {
  const readings = rounds.flatMap((round) => round[index] ?? []);
  const count = readings[0]?.count ?? wanted;
  const number = count.toLocaleString('en-US');
  const why = count < wanted ? ', all that the limit of open files allows' : '';
  return makeRow(
    {
      id: `${id}-${wanted}`,
      measure: `${measure}, of ${number}${why}`,
      unit: 'KiB',
      details: readings,
    },
    [
      { contender: 'runlet', rounds: readings.map(({ kib }) => kib) },
      { contender: 'allowance', rounds: readings.map(() => allowedKib) },
    ],
    'runlet',
    { allowance: { most: 1 } },
  );
}

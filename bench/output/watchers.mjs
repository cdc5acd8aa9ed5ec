// @ts-check
import { makeRow } from '../lib/row.mjs';

/** @import { Stage } from '../lib/output-stage.mjs' */
/** @import { Row } from '../lib/row.mjs' */
/** @import { Flood } from '../output-client.mjs' */

const MIB = 1024 * 1024;

const STALLED_ROUNDS = 3;
const STALLED_BYTES = (process.env['BENCH_FULL'] ? 1024 : 256) * MIB;
const STALLED_AFTER = MIB;
const READERS = 9;
/** How many times as long as without it. */
const STALLED_TARGET = { most: 1.3 };
/** How often the server's memory is looked at. */
const SAMPLE_MS = 50;

const FAN_ROUNDS = 5;
const WATCHERS = 100;
const CONNECTIONS = 10;
/** Of output; the second is delivered to every watcher. */
const ONE_BYTES = 256 * MIB;
const MANY_BYTES = 8 * MIB;
/** How many times as much time of processors. */
const FAN_TARGET = { most: 1.2 };

/**
 * What one reader that stops costs nine others, which get all: in time, and the server
 * in memory.
 *
 * @param {Stage} stage
 * @returns {Promise<Row[]>}
 */
export async function measureStalled(stage) {
  /** @type {Record<'alone' | 'beside', Awaited<ReturnType<typeof read>>>[]} */
  const rounds = [];
  for (let round = 0; round < STALLED_ROUNDS; round += 1) {
    const alone = await read(stage, {});
    const beside = await read(stage, { stalledAfter: STALLED_AFTER });
    rounds.push({ alone, beside });
  }
  const stalled = 'runlet, another stalled';
  const row = (
    /** @type {Pick<Row, 'id' | 'measure' | 'unit'>} */ about,
    /** @type {'seconds' | 'peakMib'} */ number,
  ) =>
    makeRow(
      { ...about, details: rounds },
      [
        { contender: 'runlet', rounds: rounds.map(({ alone }) => alone[number]) },
        { contender: stalled, rounds: rounds.map((round) => round.beside[number]) },
      ],
      stalled,
      { runlet: STALLED_TARGET },
    );
  const what = `${READERS} watchers on ${STALLED_BYTES / MIB} MiB`;
  return [
    row({ id: 'stalled-time', measure: `${what}, time`, unit: 's' }, 'seconds'),
    row({ id: 'stalled-memory', measure: `${what}, peak memory`, unit: 'MiB' }, 'peakMib'),
  ];
}

/**
 * @param {Stage} stage
 * @param {{ stalledAfter?: number }} options
 * @returns {Promise<{ seconds: number, beforeMib: number, peakMib: number }>}
 */
async function read({ ask, flood, server }, options) {
  const beforeMib = server.residentMib();
  let peakMib = beforeMib;
  const sampler = setInterval(() => {
    peakMib = Math.max(peakMib, server.residentMib());
  }, SAMPLE_MS);
  // Retained in full, so that a reader may be as late as it likes.
  const order = { argv: [flood, 'blocks', `${STALLED_BYTES}`], retainedBytes: STALLED_BYTES };
  const { seconds, tallies } = /** @type {Flood} */ (
    await ask({
      command: 'flood',
      order,
      watchers: READERS,
      connections: READERS,
      hashing: true,
      ...options,
    })
  );
  clearInterval(sampler);
  const hashes = new Set(tallies.map(({ hash }) => hash));
  const complete = tallies.every(({ bytes }) => bytes > STALLED_BYTES);
  if (hashes.size !== 1 || !complete) throw new Error('the watchers did not get the same bytes');
  return { seconds, beforeMib, peakMib };
}

/**
 * What a byte that is delivered costs the server in time of processors: with 100
 * watchers, compared to one.
 *
 * @param {Stage} stage
 * @returns {Promise<Row[]>}
 */
export async function measureFanOut(stage) {
  const costs = [];
  for (let round = 0; round < FAN_ROUNDS; round += 1) {
    const one = await cost(stage, ONE_BYTES, { watchers: 1 });
    const many = await cost(stage, MANY_BYTES, { watchers: WATCHERS, connections: CONNECTIONS });
    costs.push({ one, many });
  }
  const few = 'runlet, 1 watcher';
  const lots = `runlet, ${WATCHERS} watchers`;
  return [
    makeRow(
      { id: 'fan-out', measure: 'CPU time for a delivered byte', unit: 'ns/byte' },
      [
        { contender: few, rounds: costs.map(({ one }) => one) },
        { contender: lots, rounds: costs.map(({ many }) => many) },
      ],
      lots,
      { [few]: FAN_TARGET },
    ),
  ];
}

/**
 * @param {Stage} stage
 * @param {number} bytes
 * @param {{ watchers: number, connections?: number }} options
 * @returns {Promise<number>} nanoseconds for a byte
 */
async function cost({ ask, flood, server }, bytes, options) {
  const before = server.cpuSeconds();
  const order = { argv: [flood, 'blocks', `${bytes}`], pause: true };
  const { tallies } = /** @type {Flood} */ (await ask({ command: 'flood', order, ...options }));
  const delivered = tallies.reduce((sum, tally) => sum + tally.bytes, 0);
  return ((server.cpuSeconds() - before) / delivered) * 1e9;
}

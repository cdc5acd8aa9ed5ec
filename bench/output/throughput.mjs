// @ts-check
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ratiosOf } from '../lib/row.mjs';

/** @import { Stage } from '../lib/output-stage.mjs' */
/** @import { Row } from '../lib/row.mjs' */
/** @import { Flood } from '../output-client.mjs' */

const MIB = 1024 * 1024;
const STREAM_BYTES = 512 * MIB;
/** A million lines of 20 bytes. */
const LINES_BYTES = 20_000_000;

/** So few that they stay in memory, however far behind the client is. */
const LITTLE_RETAINED_BYTES = 16 * MIB;

const LITTLE = `runlet, ${LITTLE_RETAINED_BYTES / MIB} MiB retained`;
const BARE = 'bare grpc-js';
const PIPED = 'bare grpc-js, from a pipe';
const BLOCKS = 'runlet, in blocks';
const STDIO = 'runlet, through stdio';
const WRITES = 'runlet, a write each';
const READER = 'C reader, a write each';

/** The first round is not counted: code has to be compiled. */
const ROUNDS = 5;

/** Of the rate of the bare server. */
const STREAM_TARGET = { least: 0.85 };
/** Of the rate of the same bytes in blocks. */
const LINES_TARGET = { least: 0.5 };

/**
 * How fast output gets to one client: of a stream to that of a server that does nothing
 * else, of lines to that of blocks.
 *
 * @param {Stage} stage
 * @returns {Promise<Row[]>}
 */
export async function measureThroughput(stage) {
  return [await measureStream(stage), await measureLines(stage)];
}

/**
 * @param {Stage} stage
 * @returns {Promise<Row>}
 */
async function measureStream(stage) {
  const rounds = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const little = await streamRound(stage, LITTLE_RETAINED_BYTES);
    // Of the size that the messages had in the mean, and as many bytes.
    const { bytes, size } = little;
    const bare = await stage.ask({ command: 'floodBare', bytes, size });
    const program = stage.flood;
    const piped = await stage.ask({ command: 'floodBare', bytes: STREAM_BYTES, size, program });
    const usual = await streamRound(stage, undefined);
    const rate = (/** @type {number} */ seconds) => STREAM_BYTES / MIB / seconds;
    rounds.push({ bare: rate(bare.seconds), piped: rate(piped.seconds), little, usual });
  }
  const counted = rounds.slice(1);
  const values = [
    { contender: 'runlet', rounds: counted.map(({ usual }) => usual.rate) },
    { contender: LITTLE, rounds: counted.map(({ little }) => little.rate) },
    { contender: BARE, rounds: counted.map(({ bare }) => bare) },
    { contender: PIPED, rounds: counted.map(({ piped }) => piped) },
  ];
  return {
    id: 'stream',
    measure: `one stream of ${STREAM_BYTES / MIB} MiB`,
    unit: 'MiB/s',
    values,
    ratios: [
      ...ratiosOf(values, 'runlet', { [BARE]: STREAM_TARGET }),
      ...ratiosOf(values, LITTLE, { [BARE]: STREAM_TARGET, [PIPED]: undefined }),
    ],
    details: counted,
  };
}

/**
 * @param {Stage} stage
 * @param {number | undefined} retainedBytes undefined: the default
 */
async function streamRound(stage, retainedBytes) {
  const cpuBefore = stage.server.cpuSeconds();
  const flood = await floodOf(stage, 'blocks', STREAM_BYTES, retainedBytes);
  const cpuSeconds = stage.server.cpuSeconds() - cpuBefore;
  const { bytes = 0, messages = 1 } = flood.tallies[0] ?? {};
  const size = Math.round(bytes / messages);
  return { rate: STREAM_BYTES / MIB / flood.seconds, bytes, size, cpuSeconds };
}

/**
 * @param {Stage} stage
 * @returns {Promise<Row>}
 */
async function measureLines(stage) {
  const rounds = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const rate = (/** @type {number} */ seconds) => LINES_BYTES / MIB / seconds;
    const rateOf = async (/** @type {string} */ mode) =>
      rate((await floodOf(stage, mode, LINES_BYTES)).seconds);
    rounds.push({
      blocks: await rateOf('blocks'),
      stdio: await rateOf('stdio'),
      lines: await rateOf('lines'),
      // Read by a program that does nothing but that: what the lines themselves take.
      drained: rate(await drainSeconds(stage.flood, 'lines')),
    });
  }
  const counted = rounds.slice(1);
  const values = [
    { contender: BLOCKS, rounds: counted.map(({ blocks }) => blocks) },
    { contender: STDIO, rounds: counted.map(({ stdio }) => stdio) },
    { contender: WRITES, rounds: counted.map(({ lines }) => lines) },
    { contender: READER, rounds: counted.map(({ drained }) => drained) },
  ];
  return {
    id: 'lines',
    measure: '1,000,000 lines of 20 bytes',
    unit: 'MiB/s',
    values,
    ratios: [
      ...ratiosOf(values, STDIO, { [BLOCKS]: LINES_TARGET }),
      ...ratiosOf(values, WRITES, { [BLOCKS]: LINES_TARGET, [READER]: undefined }),
    ],
  };
}

/**
 * Has output of a process sent to the client, which holds it back when it is too fast.
 *
 * @param {Stage} stage
 * @param {string} mode of flood.c
 * @param {number} bytes
 * @param {number} [retainedBytes] default: what the server retains by default
 * @returns {Promise<Flood>}
 */
function floodOf({ ask, flood }, mode, bytes, retainedBytes = 0) {
  const argv = [flood, mode, `${bytes}`];
  return ask({ command: 'flood', order: { argv, pause: true, retainedBytes } });
}

/**
 * How long it takes to print lines to a program that only reads them.
 *
 * @param {string} flood
 * @param {string} mode
 * @returns {Promise<number>} in seconds
 */
async function drainSeconds(flood, mode) {
  const pipe = `"$1" ${mode} ${LINES_BYTES} | "$1" drain`;
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', pipe, 'sh', flood]);
  return Number(stdout);
}

// @ts-check
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { median } from '../lib/statistics.mjs';
import { makeRow } from './row.mjs';

/** @import { Stage } from '../lib/output-stage.mjs' */
/** @import { Flood } from '../output-client.mjs' */
/** @import { Row } from './row.mjs' */

const MIB = 1024 * 1024;
const STREAM_BYTES = 1024 * MIB;
/** A million lines of 20 bytes. */
const LINES_BYTES = 20_000_000;

/** So few that they stay in memory, however far behind the client is. */
const LITTLE_RETAINED_BYTES = 16 * MIB;

/** The first round is not counted: code has to be compiled. */
const STREAM_ROUNDS = 5;
const LINES_ROUNDS = 7;

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
  return [...(await measureStream(stage)), ...(await measureLines(stage))];
}

/** @param {Stage} stage */
async function measureStream(stage) {
  const rounds = [];
  for (let round = 0; round <= STREAM_ROUNDS; round += 1) {
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
  const row = (/** @type {string} */ measure, /** @type {'little' | 'usual'} */ which) =>
    makeRow(
      measure,
      `${median(counted.map(({ bare }) => bare)).toFixed(0)} MiB/s`,
      counted.map((rates) => rates[which].rate / rates.bare),
      STREAM_TARGET,
      counted,
    );
  return [
    row('1 GiB of one stream, rate, to a bare server', 'little'),
    row('the same, retained as by default', 'usual'),
    makeRow(
      'a bare server that reads the same pipe, to the bare server',
      '',
      counted.map(({ bare, piped }) => piped / bare),
      undefined,
      counted,
    ),
    makeRow(
      '1 GiB of one stream, rate, to the one that reads the pipe',
      `${median(counted.map(({ piped }) => piped)).toFixed(0)} MiB/s`,
      counted.map(({ little, piped }) => little.rate / piped),
      undefined,
      counted,
    ),
  ];
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

/** @param {Stage} stage */
async function measureLines(stage) {
  const rounds = [];
  for (let round = 0; round <= LINES_ROUNDS; round += 1) {
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
  const row = (
    /** @type {string} */ measure,
    /** @type {'stdio' | 'lines' | 'drained'} */ which,
    /** @type {'blocks' | 'drained'} */ base,
    /** @type {Row['target']} */ target,
  ) =>
    makeRow(
      measure,
      `${median(counted.map((rates) => rates[base])).toFixed(0)} MiB/s`,
      counted.map((rates) => rates[which] / rates[base]),
      target,
      counted,
    );
  return [
    row('1,000,000 lines through stdio, rate, to blocks', 'stdio', 'blocks', LINES_TARGET),
    row('1,000,000 lines, a write each, rate, to blocks', 'lines', 'blocks', LINES_TARGET),
    row('the same lines, read by a C program, to blocks', 'drained', 'blocks', undefined),
    row('1,000,000 lines, a write each, to the C program', 'lines', 'drained', undefined),
  ];
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

// @ts-check
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runRequest } from '../../bench/lib/runlet-client.mjs';
import { latencyOf } from './latency.mjs';
import { runTool } from './run-tool.mjs';

/** @import { Context, Outcome } from './scenario.mjs' */

/**
 * How often h2load sends a request.
 *
 * @typedef {object} H2loadSize
 * @property {number} calls
 * @property {number} connections
 * @property {number} atOnce on each of them
 * @property {number} maxSeconds after which it is given up, which is an error
 */

/**
 * Calls `Run` again and again, with a request that was encoded before. h2load knows HTTP/2
 * and not gRPC: a call that fails has HTTP status 200, too, but no message, so the bytes
 * of all answers are what is checked.
 *
 * @param {Context} context
 * @param {string[]} argv
 * @param {H2loadSize & { leastBytes: number }} size `leastBytes`: what each answer has at least
 * @returns {Promise<Outcome>}
 * @throws Error if h2load fails
 */
export async function loadRuns(
  context,
  argv,
  { calls, connections, atOnce, maxSeconds, leastBytes },
) {
  const { folder, server, tool } = context;
  const request = join(folder, 'request');
  const log = join(folder, 'h2load.log');
  writeFileSync(request, runRequest(argv));
  const { code, late, stderr, stdout } = await runTool(
    tool.program,
    [
      ...['-n', `${calls}`, '-c', `${connections}`, '-m', `${atOnce}`, '-d', request],
      // As bits: of a stream 4 MiB, and more of the connection.
      ...['-w', '22', '-W', '24', `--log-file=${log}`],
      ...['-H', 'content-type: application/grpc', '-H', 'te: trailers'],
      `http://${server.address}/runlet.v1.ProcessService/Run`,
    ],
    { timeoutMs: maxSeconds * 1000, cwd: folder },
  );
  if (late) throw new Error(`h2load took longer than ${maxSeconds} s`);
  if (code !== 0) throw new Error(`h2load ended with ${code}: ${stderr || stdout}`);
  const bytes = Number(/\((\d+)\) data$/m.exec(stdout)?.[1]);
  const errors = [];
  if (!(bytes >= calls * leastBytes)) {
    errors.push(
      `answers of ${bytes} bytes in all, and ${calls * leastBytes} were expected at least`,
    );
  }
  return { ...outcomeOfLog(readFileSync(log, 'utf8'), errors), expected: calls };
}

/**
 * Reads what h2load logs: a line for each request, with when it began, in microseconds
 * since 1970, its HTTP status, and how many microseconds it took.
 *
 * @param {string} log
 * @param {readonly string[]} errors that are known
 * @returns {Omit<Outcome, 'expected'>}
 */
export function outcomeOfLog(log, errors) {
  const lines = log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t').map(Number));
  const requests = lines.map(([began = 0, status = 0, took = 0]) => ({ began, status, took }));
  const good = requests.filter(({ status }) => status === 200);
  const begins = requests.map(({ began }) => began);
  const ends = requests.map(({ began, took }) => began + took);
  const seconds = (least(ends.map((end) => -end)) + least(begins)) / -1e6;
  const bad = requests.length - good.length;
  return {
    calls: good.length,
    seconds: requests.length === 0 ? 0 : seconds,
    errors: bad === 0 ? [...errors] : [...errors, `${bad} times another HTTP status than 200`],
    latency: latencyOf(good.map(({ took }) => took / 1000)),
    figures: {},
  };
}

/** @param {readonly number[]} values */
function least(values) {
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

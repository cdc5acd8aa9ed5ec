// @ts-check
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runRequest } from './runlet-client.mjs';

/** @import { Contender } from './part.mjs' */

/**
 * h2load, the load generator of nghttp2: it sends the same request again and again, for
 * next to nothing of a processor's time.
 *
 * @returns {string | undefined} its version; undefined: it is not installed
 */
function h2loadVersion() {
  const { status, stdout } = spawnSync('h2load', ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** In seconds. @type {Record<string, number>} */
const UNITS = { us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };

/** runlet, driven by it. */
export const BY_H2LOAD = 'runlet by h2load';

/**
 * What the report says of it.
 *
 * @returns {Contender}
 */
export function h2loadContender() {
  const version = h2loadVersion();
  return version === undefined
    ? { name: BY_H2LOAD, about: 'h2load', missing: 'h2load: Debian has it in nghttp2-client' }
    : { name: BY_H2LOAD, about: `runlet serve, by ${version} over a Unix socket` };
}

/**
 * Calls `Run` so many times, over one connection.
 *
 * @param {string} socket the path
 * @param {string[]} argv
 * @param {{ calls: number, atOnce: number, leastBytes: number }} options `leastBytes`: what
 *   each answer has at least; less would be errors
 * @returns {Promise<number>} in seconds
 * @throws Error if one of them fails
 */
export async function loadRuns(socket, argv, { calls, atOnce, leastBytes }) {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-bench-'));
  const file = join(folder, 'request');
  writeFileSync(file, runRequest(argv));
  const { stdout } = await promisify(execFile)('h2load', [
    ...['-n', `${calls}`, '-c', '1', '-m', `${Math.min(atOnce, calls)}`, '-d', file],
    // As bits: of a stream 4 MiB, as the client of runlet has it, and more of the connection.
    ...['-w', '22', '-W', '24'],
    ...['-H', 'content-type: application/grpc', '-H', 'te: trailers'],
    ...['-B', `unix:${socket}`, 'http://localhost/runlet.v1.ProcessService/Run'],
  ]).finally(() => rmSync(folder, { recursive: true }));
  const number = (/** @type {RegExp} */ pattern) => Number(pattern.exec(stdout)?.[1]);
  const succeeded = number(/, (\d+) succeeded,/);
  const bytes = number(/\((\d+)\) data$/m);
  if (succeeded !== calls || bytes < calls * leastBytes) {
    throw new Error(`h2load: ${succeeded} of ${calls} calls, ${bytes} bytes`);
  }
  return seconds(/finished in ([\d.]+)(us|ms|s|m|h)/.exec(stdout));
}

/** @param {RegExpExecArray | null} match of a number and its unit */
function seconds(match) {
  return Number(match?.[1]) * (UNITS[match?.[2] ?? ''] ?? Number.NaN);
}

// @ts-check
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * h2load, the load generator of nghttp2: it sends the same request again and again, for
 * next to nothing of a processor's time.
 *
 * @returns {string | undefined} its version; undefined: it is not installed
 */
export function h2loadVersion() {
  const { status, stdout } = spawnSync('h2load', ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/**
 * Calls a method of gRPC so many times.
 *
 * @param {string} socket the path
 * @param {string} path of the method
 * @param {string} file with the request, and the prefix that gRPC gives it
 * @param {{ calls: number, atOnce: number, leastBytes: number }} options `leastBytes`: what
 *   each answer has at least; less would be errors
 * @returns {Promise<number>} calls per second
 */
export async function h2load(socket, path, file, { calls, atOnce, leastBytes }) {
  const { stdout } = await promisify(execFile)('h2load', [
    ...['-n', `${calls}`, '-c', '1', '-m', `${Math.min(atOnce, calls)}`, '-d', file],
    ...['-H', 'content-type: application/grpc', '-H', 'te: trailers'],
    ...['-B', `unix:${socket}`, `http://localhost${path}`],
  ]);
  const number = (/** @type {RegExp} */ pattern) => Number(pattern.exec(stdout)?.[1]);
  const succeeded = number(/, (\d+) succeeded,/);
  const bytes = number(/\((\d+)\) data$/m);
  if (succeeded !== calls || bytes < calls * leastBytes) {
    throw new Error(`h2load: ${succeeded} of ${calls} calls, ${bytes} bytes`);
  }
  return number(/finished in .*, ([\d.]+) req\/s/);
}

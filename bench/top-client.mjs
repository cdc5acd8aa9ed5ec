// @ts-check
/**
 * Watches what processes use as `runlet top` does, in a process of its own:
 *
 *     node bench/top-client.mjs SOCKET PROCESSES
 *
 * starts so many that do nothing, and watches from then on. Answers each request on standard input,
 * `{"rounds":COUNT}`, with a line of JSON when so many more rounds have come: how many processes
 * the last of them had.
 */
import { createInterface } from 'node:readline';
import { built } from './lib/built.mjs';

/** @type {typeof import('../src/client/index.ts')} */
const { connect } = await built('client/index.js');

/** How often `runlet top` looks, in milliseconds. */
const INTERVAL_MS = 750;

/** Longer than anything here takes. */
const IDLE = ['/bin/sleep', '1000000'];

// Nobody is left to answer: the benchmark was ended.
process.stdout.on('error', () => process.exit(1));

const [socket = '', count = '1'] = process.argv.slice(2);
const client = connect(`unix:${socket}`);
const session = await client.session();
await Promise.all(Array.from({ length: Number(count) }, () => session.start({ argv: IDLE })));
const looks = client.watchStats({ intervalMs: INTERVAL_MS });
await looks.next();
process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { rounds } = /** @type {{ rounds: number }} */ (JSON.parse(line));
  let processes = 0;
  for (let round = 0; round < rounds; round += 1) {
    const { value } = await looks.next();
    processes = value?.processes.length ?? 0;
  }
  process.stdout.write(`${JSON.stringify({ processes })}\n`);
}
await session.close();
process.exit();

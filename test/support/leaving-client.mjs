/**
 * A program that loses its connections many times, then leaves: prints what it holds in
 * the end, as JSON. Each line on its standard input is a connection that was lost.
 *
 *     node --expose-gc leaving-client.mjs ADDRESS
 */
import { on } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../dist/client/index.js';

const client = connect(process.argv[2], {
  initialBackoffMs: 5,
  maxBackoffMs: 50,
  attemptTimeoutMs: 2000,
  keepaliveMs: 100,
  keepaliveTimeoutMs: 100,
});
const session = await client.session();
const cat = await session.start({ argv: ['cat'], env: process.env, stdin: 'pipe' });
const output = cat.stdout[Symbol.asyncIterator]();
const input = createInterface(process.stdin);
process.stdout.write('ready\n');
for await (const [line] of on(input, 'line', { close: ['close'] })) {
  cat.stdin.write(line);
  const { value } = await output.next();
  process.stdout.write(`${value}\n`);
}
const starts = Array.from({ length: 200 }, async () => {
  const process = await session.start({ argv: ['true'], env: { PATH: '/bin:/usr/bin' } });
  return process.closed;
});
await Promise.all(starts);
await session.close();
await client.close();
// What is being closed has its time; what stays open for longer was forgotten.
let held = [];
for (let i = 0; i < 1_200; i += 1) {
  held = process.getActiveResourcesInfo().filter((kind) => /Socket|TCP|Pipe|Timeout/.test(kind));
  if (!held.some((kind) => /TCP/.test(kind))) break;
  await sleep(50);
}
process.stdout.write(`${JSON.stringify(held.filter((kind) => /TCP/.test(kind)))}\n`);
process.exit(0);

// @ts-check
/**
 * Reads output from servers, in a process of its own:
 *
 *     node bench/output-client.mjs RUNLET_SOCKET BARE_SOCKET
 *
 * Answers requests on standard input with a line of JSON each. A request is JSON, too:
 * the name of a function below, and what it is given.
 */
import { createInterface } from 'node:readline';
import {
  close,
  connect,
  processesOf,
  readAll,
  start,
  streamRaw,
  watchRaw,
} from './lib/runlet-client.mjs';

/** @import { Client, ClientReadableStream } from '@grpc/grpc-js' */
/** @import { Order, Tally, Target } from './lib/runlet-client.mjs' */

/**
 * What `flood` answers.
 *
 * @typedef {object} Flood
 * @property {number} seconds from the start of the process until all had read all
 * @property {Tally[]} tallies one of each watcher, but for one that stops
 */

/**
 * What `latencies` answers: of each call, in milliseconds.
 *
 * @typedef {object} Latencies
 * @property {number[]} get
 * @property {number[]} echo
 */

// Nobody is left to answer: the benchmark was ended.
process.stdout.on('error', () => process.exit(1));

const [runlet = '', bare = ''] = process.argv.slice(2);
const main = connect(runlet);
const bareConnection = connect(bare);

/** What prints flat out until it is told to stop. @type {{ target: Target } | undefined} */
let background;

/** What is asked for latencies. @type {Target | undefined} */
let echo;

const COMMANDS = { flood, floodBare, fill, replay, beginFlood, endFlood, latencies };

process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...request } = JSON.parse(line);
  const run = COMMANDS[/** @type {keyof typeof COMMANDS} */ (command)];
  process.stdout.write(`${JSON.stringify((await run(request)) ?? null)}\n`);
}
process.exit();

/**
 * Starts a process, and watches it to its end.
 *
 * @param {{ order: Order, watchers?: number, connections?: number, hashing?: boolean,
 *   stalledAfter?: number }} request `stalledAfter`: so many bytes after which one
 *   watcher more stops reading, until all others are done
 * @returns {Promise<Flood>}
 */
async function flood({ order, watchers = 1, connections = 1, hashing, stalledAfter }) {
  const opened = Array.from({ length: connections }, () => connect(runlet));
  await Promise.all(opened.map(ready));
  const aside = stalledAfter === undefined ? undefined : connect(runlet);
  if (aside !== undefined) await ready(aside);
  const began = performance.now();
  const target = await start(main, order);
  const stalled = aside && stall(watchRaw(aside, target), stalledAfter ?? 0);
  const tallies = await Promise.all(
    Array.from({ length: watchers }, (_, index) =>
      readAll(watchRaw(opened[index % connections] ?? main, target), hashing),
    ),
  );
  const seconds = (performance.now() - began) / 1000;
  stalled?.cancel();
  await close(main, target);
  for (const connection of opened) connection.close();
  aside?.close();
  return { seconds, tallies };
}

/**
 * Starts a process and waits for its end: what it printed is retained.
 *
 * @param {{ order: Order }} request
 * @returns {Promise<Target>}
 */
async function fill({ order }) {
  const target = await start(main, order);
  await processesOf(main).waitProcess(target);
  return target;
}

/**
 * Reads what {@link fill} left, each watcher all of it.
 *
 * @param {{ target: Target, watchers: number }} request
 * @returns {Promise<Tally[]>} one of each watcher
 */
function replay({ target, watchers }) {
  return Promise.all(Array.from({ length: watchers }, () => readAll(watchRaw(main, target))));
}

/**
 * Has the bare server send as much.
 *
 * @param {{ bytes: number, size: number }} request
 * @returns {Promise<Flood>}
 */
async function floodBare(request) {
  await ready(bareConnection);
  const began = performance.now();
  const stream = streamRaw(
    bareConnection,
    '/bench.Bare/Flood',
    Buffer.from(JSON.stringify(request)),
  );
  const tally = await readAll(stream);
  return { seconds: (performance.now() - began) / 1000, tallies: [tally] };
}

/**
 * Starts a process that never ends by itself, and watches it.
 *
 * @param {{ order: Order }} request
 */
async function beginFlood({ order }) {
  const target = await start(main, order);
  background = { target };
  // Ends with the process.
  readAll(watchRaw(main, target)).catch(() => {});
}

/** Ends what {@link beginFlood} began. */
async function endFlood() {
  if (background !== undefined) await close(main, background.target);
  background = undefined;
}

/**
 * Asks again and again: for what is known of a process (`get`), or for bytes that it is
 * to send back, in a stream that is watched all the time (`echo`).
 *
 * @param {{ calls: number }} request
 * @returns {Promise<Latencies>}
 */
async function latencies({ calls }) {
  echo ??= await start(main, { argv: ['cat'], stdin: true });
  const target = echo;
  const processes = processesOf(main);
  const stream = watchRaw(main, target);
  const get = [];
  const echoes = [];
  await next(stream);
  for (let i = 0; i < calls; i++) {
    const began = performance.now();
    await processes.getProcess(target);
    const between = performance.now();
    const answer = next(stream);
    await Promise.all([processes.writeStdin({ ...target, data: Buffer.from('x') }), answer]);
    echoes.push(performance.now() - between);
    get.push(between - began);
  }
  stream.on('error', () => {});
  stream.cancel();
  return { get, echo: echoes };
}

/**
 * The next message of a stream.
 *
 * @param {ClientReadableStream<Buffer>} stream
 * @returns {Promise<void>}
 */
function next(stream) {
  return new Promise((resolve) => {
    stream.once('data', () => {
      stream.pause();
      resolve();
    });
    stream.resume();
  });
}

/**
 * Reads some of a stream, and then no more.
 *
 * @param {ClientReadableStream<Buffer>} stream
 * @param {number} bytes
 */
function stall(stream, bytes) {
  let left = bytes;
  stream.on('error', () => {});
  stream.on('data', (/** @type {Buffer} */ message) => {
    left -= message.byteLength;
    if (left <= 0) stream.pause();
  });
  return stream;
}

/**
 * Resolves when a connection is made.
 *
 * @param {Client} connection
 * @returns {Promise<void>}
 */
function ready(connection) {
  return new Promise((resolve, reject) => {
    connection.waitForReady(Date.now() + 10_000, (error) => (error ? reject(error) : resolve()));
  });
}

// @ts-check
/**
 * Comes back for output over connections of its own, in a process of its own:
 *
 *     node bench/resume-client.mjs RUNLET_SOCKET BARE_SOCKET
 *
 * Answers requests on standard input with a line of JSON each. A request is JSON, too:
 * the name of a function below, and what it is given.
 */
import { createInterface } from 'node:readline';
import { connect, processesOf, readAll, start, streamRaw, watchRaw } from './lib/runlet-client.mjs';

/** @import { Client, ClientReadableStream } from '@grpc/grpc-js' */
/** @import { Order, Tally, Target } from './lib/runlet-client.mjs' */

/**
 * What `resume` and `bare` answer.
 *
 * @typedef {object} Resumed
 * @property {number} ms from before the connection is made to the last byte
 * @property {Tally} tally
 */

// Nobody is left to answer: the benchmark was ended.
process.stdout.on('error', () => process.exit(1));

const [runlet = '', bareSocket = ''] = process.argv.slice(2);
const COMMANDS = { print, resume, bare };

process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...request } = JSON.parse(line);
  const run = COMMANDS[/** @type {keyof typeof COMMANDS} */ (command)];
  process.stdout.write(`${JSON.stringify(await run(request))}\n`);
}
process.exit();

/**
 * Has a process print, and waits until it is closed.
 *
 * @param {{ order: Order }} request
 * @returns {Promise<{ target: Target, lastSeq: number }>} `lastSeq`: of its last event
 */
async function print({ order }) {
  const connection = connect(runlet);
  const target = await start(connection, order);
  const { process: closed } = await processesOf(connection).waitProcess(target);
  connection.close();
  return { target, lastSeq: Number(closed?.lastSeq) };
}

/**
 * Watches a process from an event on.
 *
 * @param {{ target: Target, afterSeq: number }} request
 * @returns {Promise<Resumed>}
 */
function resume({ target, afterSeq }) {
  return timed(runlet, (connection) => watchRaw(connection, target, BigInt(afterSeq)));
}

/**
 * Has the bare server send bytes.
 *
 * @param {{ bytes: number, size: number }} request
 * @returns {Promise<Resumed>}
 */
function bare(request) {
  const bytes = Buffer.from(JSON.stringify(request));
  return timed(bareSocket, (connection) => streamRaw(connection, '/bench.Bare/Flood', bytes));
}

/**
 * @param {string} socket
 * @param {(connection: Client) => ClientReadableStream<Buffer>} open
 * @returns {Promise<Resumed>}
 */
async function timed(socket, open) {
  const began = performance.now();
  const connection = connect(socket);
  const tally = await readAll(open(connection));
  const ms = performance.now() - began;
  connection.close();
  return { ms, tally };
}

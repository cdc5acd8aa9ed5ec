// @ts-check
/**
 * Has a server hold attached sessions, processes and watchers, in a process of its own:
 *
 *     node load/holder.mjs SOCKET CONNECTIONS
 *
 * Answers requests on standard input with a line of JSON each. A request is JSON, too:
 * `command`, the name of a function below, and what it is given.
 */
import { createInterface } from 'node:readline';
import { status } from '@grpc/grpc-js';
import {
  attachRaw,
  connect,
  processesOf,
  sessionsOf,
  watchRaw,
} from '../bench/lib/runlet-client.mjs';

/** @import { Client, ClientReadableStream } from '@grpc/grpc-js' */
/** @import { Target } from '../bench/lib/runlet-client.mjs' */

/** Calls that are under way at a time. */
const AT_ONCE = 64;

/** Longer than anything here takes. */
const IDLE = ['/bin/sleep', '1000000'];

/**
 * A stream that is held.
 *
 * @typedef {object} Held
 * @property {number} expected the status with which it ends when its session is closed
 * @property {Promise<number>} ended resolves with the status with which it ended
 * @property {boolean} open until then
 * @property {number} messages since the last `mark`
 */

/**
 * How what is held fares.
 *
 * @typedef {object} Status
 * @property {number} open streams
 * @property {number} lost streams that ended, though nobody asked for it
 * @property {number} silent open streams that had no message since the last `mark`
 */

// Nobody is left to answer: the run was ended.
process.stdout.on('error', () => process.exit(1));

const [socket = '', connections = '1'] = process.argv.slice(2);
const opened = Array.from({ length: Number(connections) }, () => connect(socket));
let turns = 0;

/** What there is, to be given up by {@link clear}. */
const sessionIds = /** @type {string[]} */ ([]);
const targets = /** @type {Target[]} */ ([]);
const held = /** @type {Held[]} */ ([]);

const COMMANDS = { attach, populate, watch, mark, look, clear };

// Connections are no part of what is measured.
await Promise.all(opened.map((connection) => sessionsOf(connection).listSessions({})));
process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...request } = JSON.parse(line);
  const answer = await COMMANDS[/** @type {keyof typeof COMMANDS} */ (command)](request);
  process.stdout.write(`${JSON.stringify(answer ?? null)}\n`);
}
process.exit();

/**
 * Creates sessions and attaches to each; the first event of each has come.
 *
 * @param {{ count: number }} request
 */
async function attach({ count }) {
  await repeat(count, async (connection) => {
    const { session } = await sessionsOf(connection).createSession({});
    const sessionId = session?.sessionId ?? '';
    sessionIds.push(sessionId);
    await hold(attachRaw(connection, sessionId), status.NOT_FOUND);
  });
}

/** Starts a process that prints nothing in each session. */
async function populate() {
  const left = [...sessionIds];
  await repeat(left.length, async (connection) => {
    const sessionId = left.pop() ?? '';
    const spec = { argv: IDLE };
    const { process: started } = await processesOf(connection).startProcess({ sessionId, spec });
    targets.push({ sessionId, processId: started?.processId ?? '' });
  });
}

/**
 * Watches the processes in turn; the first event of each watcher has come.
 *
 * @param {{ count: number }} request
 */
async function watch({ count }) {
  let turn = 0;
  await repeat(count, async (connection) => {
    const target = /** @type {Target} */ (targets[turn % targets.length]);
    turn += 1;
    await hold(watchRaw(connection, target), status.OK);
  });
}

/** From now on messages are counted. */
function mark() {
  for (const one of held) one.messages = 0;
}

/** @returns {Status} */
function look() {
  const open = held.filter((one) => one.open);
  const silent = open.filter(({ messages }) => messages === 0);
  return { open: open.length, lost: held.length - open.length, silent: silent.length };
}

/**
 * Closes the sessions, and waits until that has ended every stream. Nothing is cancelled:
 * HTTP/2 in Node.js takes a thousand of that at once for an attack.
 *
 * @returns {Promise<{ odd: number }>} streams that ended with another status than they should
 */
async function clear() {
  targets.splice(0);
  await repeat(sessionIds.length, async (connection) => {
    await sessionsOf(connection).closeSession({ sessionId: sessionIds.pop() ?? '' });
  });
  const ends = await Promise.all(
    held.splice(0).map(async ({ ended, expected }) => (await ended) === expected),
  );
  return { odd: ends.filter((asExpected) => !asExpected).length };
}

/**
 * Holds a stream from its first message on.
 *
 * @param {ClientReadableStream<Buffer>} stream
 * @param {number} expected
 * @returns {Promise<void>}
 */
async function hold(stream, expected) {
  const ended = new Promise((resolve) => {
    stream.once('status', ({ code }) => resolve(code));
  });
  /** @type {Held} */
  const one = { expected, ended, open: true, messages: 0 };
  held.push(one);
  // The status follows.
  stream.on('error', () => {});
  const first = new Promise((resolve) => {
    stream.on('data', () => {
      one.messages += 1;
      resolve(undefined);
    });
  });
  const over = ended.then(() => {
    one.open = false;
  });
  await Promise.race([first, over]);
}

/**
 * Does something again and again, over all connections in turn.
 *
 * @param {number} count
 * @param {(connection: Client) => Promise<void>} act
 */
async function repeat(count, act) {
  let left = count;
  const go = async () => {
    while (left > 0) {
      left -= 1;
      turns += 1;
      await act(/** @type {Client} */ (opened[turns % opened.length]));
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, AT_ONCE) }, go));
}

// @ts-check
/**
 * Has a server hold things that do nothing, in a process of its own:
 *
 *     node bench/idle-client.mjs SOCKET CONNECTIONS
 *
 * Answers requests on standard input with a line of JSON each. A request is JSON, too:
 * the name of a function below, and what it is given.
 */
import { createInterface } from 'node:readline';
import { connect, processesOf, sessionsOf, start, watchRaw } from './lib/runlet-client.mjs';

/** @import { Client, ClientReadableStream } from '@grpc/grpc-js' */
/** @import { Target } from './lib/runlet-client.mjs' */

/** Calls that are under way at a time. */
const AT_ONCE = 16;

/** Longer than anything here takes. */
const IDLE = ['/bin/sleep', '1000000'];

// Nobody is left to answer: the benchmark was ended.
process.stdout.on('error', () => process.exit(1));

const [socket = '', connections = '1'] = process.argv.slice(2);
const opened = Array.from({ length: Number(connections) }, () => connect(socket));
let turns = 0;

/** What there is, to be given up by {@link clear}. */
const sessionIds = /** @type {string[]} */ ([]);
const streams = /** @type {ClientReadableStream<Buffer>[]} */ ([]);
/** All idle processes are of this one. */
let sessionId = '';
/** What is watched. @type {Target | undefined} */
let silent;

const COMMANDS = { sessions, processes, watchers, output, clear };

// Connections are no part of what is measured.
await Promise.all(opened.map((connection) => sessionsOf(connection).listSessions({})));
process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...request } = JSON.parse(line);
  await COMMANDS[/** @type {keyof typeof COMMANDS} */ (command)](request);
  process.stdout.write('null\n');
}
process.exit();

/**
 * Creates sessions, to which nobody is attached.
 *
 * @param {{ count: number }} request
 */
async function sessions({ count }) {
  await repeat(count, async (connection) => {
    const { session } = await sessionsOf(connection).createSession({});
    sessionIds.push(session?.sessionId ?? '');
  });
}

/**
 * Starts processes that print nothing, in one session.
 *
 * @param {{ count: number }} request
 */
async function processes({ count }) {
  await beginSession();
  await repeat(count, async (connection) => {
    await processesOf(connection).startProcess({ sessionId, spec: { argv: IDLE } });
  });
}

/**
 * Watches a process that prints nothing; each watcher has had its first event.
 *
 * @param {{ count: number }} request
 */
async function watchers({ count }) {
  silent ??= await start(next(), { argv: IDLE });
  const target = silent;
  await repeat(count, async (connection) => {
    const stream = watchRaw(connection, target);
    streams.push(stream);
    await new Promise((resolve) => stream.once('data', resolve));
    // What comes at the end, and nothing else, which takes no listener of its own then.
    stream.on('error', () => {});
    stream.resume();
  });
}

/**
 * Has processes print zeros, and waits until each is closed.
 *
 * @param {{ count: number, bytes: number }} request `bytes`: of each, all of them retained
 */
async function output({ count, bytes }) {
  await beginSession();
  await repeat(count, async (connection) => {
    const spec = {
      argv: ['/usr/bin/head', '-c', `${bytes}`, '/dev/zero'],
      output: { retainedBytes: BigInt(bytes) },
    };
    const { process: started } = await processesOf(connection).startProcess({ sessionId, spec });
    const target = { sessionId, processId: started?.processId ?? '' };
    await processesOf(connection).waitProcess(target);
  });
}

/** Gives up all that there is. */
async function clear() {
  for (const stream of streams.splice(0)) stream.cancel();
  if (silent !== undefined) sessionIds.push(silent.sessionId);
  silent = undefined;
  if (sessionId !== '') sessionIds.push(sessionId);
  sessionId = '';
  await repeat(sessionIds.length, async (connection) => {
    await sessionsOf(connection).closeSession({ sessionId: sessionIds.pop() ?? '' });
  });
}

async function beginSession() {
  if (sessionId !== '') return;
  sessionId = (await sessionsOf(next()).createSession({})).session?.sessionId ?? '';
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
      await act(next());
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, AT_ONCE) }, go));
}

/** The connection whose turn it is. */
function next() {
  turns += 1;
  return /** @type {Client} */ (opened[turns % opened.length]);
}

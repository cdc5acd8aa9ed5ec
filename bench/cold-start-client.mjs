// @ts-check
/**
 * Waits for servers to answer, in a process of its own, whose code is compiled already:
 *
 *     node bench/cold-start-client.mjs
 *
 * Answers each request on standard input with a line of JSON. A request is JSON, too: the
 * program to start, and how it is asked.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import { built } from './lib/built.mjs';
import { connect, readAll, streamRaw } from './lib/runlet-client.mjs';

/** @type {typeof import('../src/bridge/create-client.ts')} */
const { createClient } = await built('bridge/create-client.js');
/** @type {typeof import('../src/gen/runlet/v1/server_pb.ts')} */
const { ServerService } = await built('gen/runlet/v1/server_pb.js');

/**
 * What is started, and how it is asked.
 *
 * @typedef {object} ColdStart
 * @property {string[]} argv
 * @property {Record<string, string>} [env] beside the client's own
 * @property {keyof typeof CALLS} call
 * @property {string} address where it listens; empty: what it prints says so
 */

// Nobody is left to answer: the benchmark was ended.
process.stdout.on('error', () => process.exit(1));

/** The first call, to an address: ends when it was answered. */
const CALLS = {
  /** @param {string} socket */
  runlet: async (socket) => {
    const connection = connect(socket);
    await createClient(ServerService, connection).getServerInfo({});
    connection.close();
  },
  /** @param {string} socket */
  bare: async (socket) => {
    const connection = connect(socket);
    const request = Buffer.from(JSON.stringify({ bytes: 1, size: 1 }));
    await readAll(streamRaw(connection, '/bench.Bare/Flood', request));
    connection.close();
  },
  /** @param {string} url */
  'exec-server': async (url) => {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, 'open');
    const params = { clientName: 'runlet-bench' };
    socket.send(JSON.stringify({ id: 1, method: 'initialize', params }));
    await once(socket, 'message');
    socket.terminate();
  },
};

process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { call, ...program } = JSON.parse(line);
  const ms = call === undefined ? await timeToExit(program) : await timeToAnswer(program, call);
  process.stdout.write(`${ms}\n`);
}
process.exit();

/**
 * Starts a server, asks it as soon as it says that it listens, and ends it.
 *
 * @param {Omit<ColdStart, 'call'>} server
 * @param {keyof typeof CALLS} call
 * @returns {Promise<number>} how long until the answer, in ms
 */
async function timeToAnswer({ address, argv, env }, call) {
  const began = performance.now();
  const child = start(argv, env);
  const exited = once(child, 'exit');
  const first = once(createInterface({ input: child.stdout }), 'line');
  const [line] = await Promise.race([
    first,
    exited.then(() => {
      throw new Error(`${argv.join(' ')} ended before it listened`);
    }),
  ]);
  await CALLS[call](address === '' ? line : address);
  const ms = performance.now() - began;
  child.kill();
  await exited;
  // The bare server leaves its socket.
  if (address !== '') rmSync(address, { force: true });
  return ms;
}

/**
 * @param {Pick<ColdStart, 'argv' | 'env'>} program
 * @returns {Promise<number>} how long it took, in ms
 */
async function timeToExit({ argv, env }) {
  const began = performance.now();
  const child = start(argv, env);
  await once(child, 'exit');
  return performance.now() - began;
}

/**
 * @param {ColdStart['argv']} argv
 * @param {ColdStart['env']} env
 */
function start([program = '', ...args], env) {
  const options = { env: { ...process.env, ...env } };
  return spawn(program, args, { ...options, stdio: ['pipe', 'pipe', 'ignore'] });
}

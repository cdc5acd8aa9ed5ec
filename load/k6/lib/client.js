import { check } from 'k6';
import { Counter } from 'k6/metrics';
import grpc from 'k6/net/grpc';
import { ADDRESS } from './settings.js';

/** Iterations that got to their end: one that throws is only logged by k6. */
export const done = new Counter('runlet_done');

/** Calls that failed, and streams. */
const errors = new Counter('runlet_errors');

const client = new grpc.Client();
client.load(
  // From the folder of the script that k6 was given, which is not this one.
  ['../../proto'],
  'runlet/v1/session.proto',
  'runlet/v1/process.proto',
  'runlet/v1/server.proto',
);
let connected = false;

/** Opens the connection of this virtual user, the first time that it is called. */
export function connect() {
  if (connected) return;
  client.connect(ADDRESS, { plaintext: true, timeout: '20s' });
  connected = true;
}

/** Closes it; k6 asks that for `setup` and `teardown`. */
export function disconnect() {
  client.close();
  connected = false;
}

/**
 * Calls a method of one answer.
 *
 * @param {string} method `Service/Method`, of runlet.v1
 * @param {object} request as protobuf's JSON has it
 * @returns {object} the answer, as that has it, too: no field is left out
 * @throws Error if it fails, which is counted
 */
export function call(method, request) {
  return answerOf(method, client.invoke(`runlet.v1.${method}`, request));
}

/**
 * Does so beside other calls.
 *
 * @param {string} method
 * @param {object} request
 * @returns {Promise<object>} the answer
 */
export async function callAtOnce(method, request) {
  return answerOf(method, await client.asyncInvoke(`runlet.v1.${method}`, request));
}

/**
 * @param {string} method
 * @param {{ error?: { message: string }, message: object, status: number }} response
 * @returns {object}
 */
function answerOf(method, { error, message, status }) {
  const ok = check(status, { 'the call succeeds': (it) => it === grpc.StatusOK });
  if (ok) return message;
  errors.add(1);
  throw new Error(`${method}: status ${status}: ${error?.message}`);
}

/**
 * Calls a method that is answered with a stream.
 *
 * @param {string} method `Service/Method`, of runlet.v1
 * @param {object} request
 * @param {(message: object) => void} onMessage
 * @returns {Promise<void>} fulfilled at the end of the stream; rejected, and counted, if it fails
 */
export async function stream(method, request, onMessage) {
  const error = await streamEnd(method, request, onMessage);
  if (error === undefined) return;
  errors.add(1);
  throw new Error(`${method}: the stream ended with status ${error.code}: ${error.message}`);
}

/**
 * Calls a method that is answered with a stream, which may end with an error.
 *
 * @param {string} method `Service/Method`, of runlet.v1
 * @param {object} request
 * @param {(message: object) => void} onMessage
 * @returns {Promise<{ code: object, message: string, details: object[] } | undefined>} the
 *   error; undefined if it ended without one
 */
export function streamEnd(method, request, onMessage) {
  return new Promise((resolve) => {
    const opened = new grpc.Stream(client, `runlet.v1.${method}`);
    let failure;
    opened.on('data', onMessage);
    // The end follows it.
    opened.on('error', (error) => {
      failure = error;
    });
    opened.on('end', () => resolve(failure));
    opened.write(request);
  });
}

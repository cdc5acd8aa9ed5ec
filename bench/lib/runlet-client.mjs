// @ts-check
import { createHash } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { ENVIRONMENT } from '../executors/executor.mjs';
import { built } from './built.mjs';

/** @import { Client, ClientReadableStream } from '@grpc/grpc-js' */
/** @import { ServiceClient } from '../../src/bridge/types.ts' */
/** @import { ProcessService } from '../../src/gen/runlet/v1/process_pb.ts' */
/** @import { SessionService } from '../../src/gen/runlet/v1/session_pb.ts' */

/** @type {typeof import('../../src/client/connection.ts')} */
const { openConnection } = await built('client/connection.js');
/** @type {typeof import('../../src/bridge/create-client.ts')} */
const { createClient } = await built('bridge/create-client.js');
/** @type {typeof import('../../src/gen/runlet/v1/process_pb.ts')} */
const processProtos = await built('gen/runlet/v1/process_pb.js');
/** @type {typeof import('../../src/gen/runlet/v1/session_pb.ts')} */
const sessionProtos = await built('gen/runlet/v1/session_pb.js');

/**
 * A process on a server, and the session that it is of.
 *
 * @typedef {object} Target
 * @property {string} sessionId
 * @property {string} processId
 */

/**
 * What to start.
 *
 * @typedef {object} Order
 * @property {string[]} argv
 * @property {boolean} [stdin] whether it can be written to. Default: no
 * @property {number} [retainedBytes] default: what the server retains by default
 * @property {boolean} [pause] it waits for its readers. Default: the oldest is dropped
 */

/**
 * What came of a stream.
 *
 * @typedef {object} Tally
 * @property {number} bytes of all messages
 * @property {number} messages
 * @property {string} hash of all bytes; empty if none was asked for
 */

/**
 * Opens a connection of its own, with the server's client library.
 *
 * @param {string} socket the path
 * @returns {Client}
 */
export function connect(socket) {
  return openConnection({ kind: 'unix', path: socket });
}

/**
 * The methods that processes have, over a connection.
 *
 * @param {Client} connection
 * @returns {ServiceClient<typeof ProcessService>}
 */
export function processesOf(connection) {
  return createClient(processProtos.ProcessService, connection);
}

/**
 * The methods that sessions have, over a connection.
 *
 * @param {Client} connection
 * @returns {ServiceClient<typeof SessionService>}
 */
export function sessionsOf(connection) {
  return createClient(sessionProtos.SessionService, connection);
}

/**
 * Starts a process in a session of its own.
 *
 * @param {Client} connection
 * @param {Order} order
 * @returns {Promise<Target>}
 */
export async function start(connection, { argv, stdin, retainedBytes, pause }) {
  const { Overflow, StdinMode } = processProtos;
  const sessionId = (await sessionsOf(connection).createSession({})).session?.sessionId ?? '';
  const { process } = await processesOf(connection).startProcess({
    sessionId,
    spec: {
      argv,
      stdin: stdin ? StdinMode.PIPE : StdinMode.CLOSED,
      output: {
        retainedBytes: BigInt(retainedBytes ?? 0),
        overflow: pause ? Overflow.PAUSE : Overflow.DROP_OLDEST,
      },
    },
  });
  return { sessionId, processId: process?.processId ?? '' };
}

/**
 * Closes a session, and with it its process.
 *
 * @param {Client} connection
 * @param {Target} target
 */
export async function close(connection, { sessionId }) {
  await sessionsOf(connection).closeSession({ sessionId });
}

/**
 * Watches a process. The messages stay encoded: what it costs to decode them is no
 * concern of the server's.
 *
 * @param {Client} connection
 * @param {Target} target
 * @param {bigint} [afterSeq] the event that was seen last. Default: none was
 * @returns {ClientReadableStream<Buffer>}
 */
export function watchRaw(connection, target, afterSeq = 0n) {
  const { WatchProcessRequestSchema } = processProtos;
  const request = toBinary(
    WatchProcessRequestSchema,
    create(WatchProcessRequestSchema, { ...target, afterSeq }),
  );
  return streamRaw(connection, '/runlet.v1.ProcessService/WatchProcess', Buffer.from(request));
}

/**
 * Attaches to a session. The messages stay encoded.
 *
 * @param {Client} connection
 * @param {string} sessionId
 * @returns {ClientReadableStream<Buffer>}
 */
export function attachRaw(connection, sessionId) {
  const { AttachSessionRequestSchema } = sessionProtos;
  const request = toBinary(
    AttachSessionRequestSchema,
    create(AttachSessionRequestSchema, { sessionId }),
  );
  return streamRaw(connection, '/runlet.v1.SessionService/AttachSession', Buffer.from(request));
}

/**
 * A request of `Run`, with the prefix that gRPC gives a message.
 *
 * @param {string[]} argv
 * @returns {Buffer}
 */
export function runRequest(argv) {
  const { RunRequestSchema } = processProtos;
  const spec = { argv, env: ENVIRONMENT, cwd: '/' };
  const message = toBinary(RunRequestSchema, create(RunRequestSchema, { spec }));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([prefix, message]);
}

/**
 * Begins a call that is answered with a stream, whose messages stay encoded.
 *
 * @param {Client} connection
 * @param {string} path
 * @param {Buffer} request
 * @returns {ClientReadableStream<Buffer>}
 */
export function streamRaw(connection, path, request) {
  const identity = (/** @type {Buffer} */ bytes) => bytes;
  return connection.makeServerStreamRequest(path, identity, identity, request);
}

/**
 * Reads a stream to its end.
 *
 * @param {ClientReadableStream<Buffer>} stream
 * @param {boolean} [hashing] whether its bytes are hashed. Default: no
 * @returns {Promise<Tally>}
 */
export function readAll(stream, hashing = false) {
  const hash = hashing ? createHash('sha256') : undefined;
  let bytes = 0;
  let messages = 0;
  return new Promise((resolve, reject) => {
    stream.on('data', (/** @type {Buffer} */ message) => {
      bytes += message.byteLength;
      messages += 1;
      hash?.update(message);
    });
    stream.once('error', reject);
    stream.once('end', () => resolve({ bytes, messages, hash: hash?.digest('hex') ?? '' }));
  });
}

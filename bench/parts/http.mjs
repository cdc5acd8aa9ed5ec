// @ts-check
import { once } from 'node:events';
import { createServer } from 'node:http';
import { built } from '../lib/built.mjs';
import { makeRow } from '../lib/row.mjs';
import { connect, processesOf, sessionsOf } from '../lib/runlet-client.mjs';
import { startRunlet } from '../servers/runlet.mjs';

/** @import { Client } from '@grpc/grpc-js' */
/** @import { Options, Result } from '../lib/part.mjs' */
/** @import { Row } from '../lib/row.mjs' */

export const name = 'http';
export const summary = 'how fast bodies get through HTTP, beside the same through a process';

/** How much goes each way, and the rounds: an odd number. */
const MIB = 256;
const ROUNDS = 9;

/** The least of a process's rate that HTTP shall have. */
const LEAST = { least: 0.8 };

const PIECE = Buffer.alloc(64 * 1024, 'x');
const PIECES = (MIB * 1024 * 1024) / PIECE.length;

/** @type {typeof import('../../src/bridge/create-client.ts')} */
const { createClient } = await built('bridge/create-client.js');
/** @type {typeof import('../../src/gen/runlet/v1/http_pb.ts')} */
const { HttpService } = await built('gen/runlet/v1/http_pb.js');
/** @type {typeof import('../../src/gen/runlet/v1/process_pb.ts')} */
const { Overflow, StdinMode } = await built('gen/runlet/v1/process_pb.js');

/**
 * Takes about a minute.
 *
 * @param {Options} options
 * @returns {Promise<Result>}
 */
export async function run({ profileFolder, say }) {
  const upstream = createServer(async (request, response) => {
    if (request.method === 'PUT') {
      for await (const _ of request);
      response.end();
      return;
    }
    for (let i = 0; i < PIECES; i += 1) {
      if (!response.write(PIECE)) await once(response, 'drain');
    }
    response.end();
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (upstream.address());
  const url = `http://127.0.0.1:${port}/`;
  const server = await startRunlet({ profileFolder });
  const connection = connect(server.address);
  try {
    const { session } = await sessionsOf(connection).createSession({});
    const sessionId = session?.sessionId ?? '';
    const ways = {
      down: {
        http: () => requestOnce(connection, { sessionId, method: 'GET', url }, 0),
        process: () =>
          interactOnce(connection, sessionId, ['head', '-c', `${MIB}M`, '/dev/zero'], 0),
      },
      up: {
        http: () => requestOnce(connection, { sessionId, method: 'PUT', url }, PIECES),
        process: () => interactOnce(connection, sessionId, ['sh', '-c', 'cat > /dev/null'], PIECES),
      },
    };
    const rows = [];
    for (const direction of /** @type {const} */ (['down', 'up'])) {
      rows.push(await measure(direction, ways[direction], say));
    }
    return {
      contenders: [
        { name: 'http', about: 'a body through `HttpService`' },
        { name: 'process', about: "a process's stdout, or its stdin" },
      ],
      rows,
    };
  } finally {
    connection.close();
    await server.stop();
    upstream.close();
  }
}

/**
 * @param {'down' | 'up'} direction
 * @param {Record<'http' | 'process', () => Promise<void>>} ways
 * @param {Options['say']} say
 * @returns {Promise<Row>}
 */
async function measure(direction, ways, say) {
  /** @type {Record<'http' | 'process', number[]>} */
  const rates = { http: [], process: [] };
  for (let round = 0; round <= ROUNDS; round += 1) {
    say(`${direction}, round ${round} of ${ROUNDS}`);
    for (const way of /** @type {const} */ (['http', 'process'])) {
      const began = performance.now();
      await ways[way]();
      const rate = (1000 * MIB) / (performance.now() - began);
      // The first is not counted: code is compiled in it.
      if (round > 0) rates[way].push(rate);
    }
  }
  return makeRow(
    { id: `http-${direction}`, measure: `${MIB} MiB ${direction}`, unit: 'MiB/s' },
    [
      { contender: 'http', rounds: rates.http },
      { contender: 'process', rounds: rates.process },
    ],
    'http',
    { process: LEAST },
  );
}

/**
 * @param {Client} connection
 * @param {{ sessionId: string, method: string, url: string }} head
 * @param {number} pieces of its body
 */
async function requestOnce(connection, head, pieces) {
  async function* requests() {
    yield { request: { case: /** @type {const} */ ('head'), value: head } };
    for (let i = 0; i < pieces; i += 1) {
      yield { request: { case: /** @type {const} */ ('body'), value: PIECE } };
    }
    yield { request: { case: /** @type {const} */ ('end'), value: {} } };
  }
  let isWhole = false;
  for await (const { response } of createClient(HttpService, connection).request(requests())) {
    if (response.case === 'end') isWhole = true;
  }
  if (!isWhole) throw new Error('the answer was cut');
}

/**
 * @param {Client} connection
 * @param {string} sessionId
 * @param {string[]} argv
 * @param {number} pieces of its stdin
 */
async function interactOnce(connection, sessionId, argv, pieces) {
  const stdin = pieces === 0 ? StdinMode.CLOSED : StdinMode.PIPE;
  let end = () => {};
  /** @type {Promise<void>} */
  const ended = new Promise((resolve) => {
    end = resolve;
  });
  async function* requests() {
    // It waits for its reader, as what answers over HTTP does: otherwise what a reader that is too
    // slow has not had is dropped, and told as a gap.
    const output = { overflow: Overflow.PAUSE };
    const spec = { argv, stdin, output, retention: { seconds: 0n, nanos: 0 } };
    const value = { sessionId, spec };
    yield { request: { case: /** @type {const} */ ('start'), value } };
    for (let i = 0; i < pieces; i += 1) {
      yield { request: { case: /** @type {const} */ ('stdin'), value: { data: PIECE } } };
    }
    if (pieces > 0)
      yield { request: { case: /** @type {const} */ ('stdin'), value: { eof: true } } };
    await ended;
  }
  let bytes = 0;
  for await (const { events } of processesOf(connection).interact(requests())) {
    for (const { event } of events) {
      if (event.case === 'output') bytes += event.value.data.length;
      if (event.case === 'closed') end();
    }
  }
  if (pieces === 0 && bytes !== MIB * 1024 * 1024) throw new Error(`only ${bytes} bytes came`);
}

// @ts-check
import { once } from 'node:events';
import { connect as connectTcp, createServer } from 'node:net';
import { built } from '../lib/built.mjs';
import { makeRow } from '../lib/row.mjs';
import { connect, processesOf, sessionsOf } from '../lib/runlet-client.mjs';
import { startRunlet } from '../servers/runlet.mjs';

/** @import { Options, Result } from '../lib/part.mjs' */

export const name = 'tunnels';
export const summary = 'what a connection through runlet adds to a round trip';

/** Round trips of each kind in a round, of so many bytes, and the rounds: an odd number. */
const TRIPS = 1000;
const BYTES = 64;
const ROUNDS = 5;

/** @type {typeof import('../../src/bridge/create-client.ts')} */
const { createClient } = await built('bridge/create-client.js');
/** @type {typeof import('../../src/gen/runlet/v1/tunnel_pb.ts')} */
const { TunnelService } = await built('gen/runlet/v1/tunnel_pb.js');
/** @type {typeof import('../../src/gen/runlet/v1/process_pb.ts')} */
const { StdinMode } = await built('gen/runlet/v1/process_pb.js');

/**
 * Takes about half a minute.
 *
 * @param {Options} options
 * @returns {Promise<Result>}
 */
export async function run({ profileFolder, say }) {
  const echo = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (echo.address());
  const server = await startRunlet({ profileFolder });
  const connection = connect(server.address);
  try {
    const { session } = await sessionsOf(connection).createSession({});
    const sessionId = session?.sessionId ?? '';
    const trips = {
      direct: await directTrip(port),
      tunnel: await tunnelTrip(connection, { sessionId, host: '127.0.0.1', port }),
      stdio: await stdioTrip(connection, sessionId),
    };
    /** @type {Record<'added' | 'stdio' | 'tunnel', number[]>} */
    const ms = { added: [], stdio: [], tunnel: [] };
    for (let round = 0; round <= ROUNDS; round += 1) {
      say(`round ${round} of ${ROUNDS}`);
      const direct = await timeOf(trips.direct);
      const tunnel = await timeOf(trips.tunnel);
      const stdio = await timeOf(trips.stdio);
      // The first is not counted: code is compiled in it.
      if (round === 0) continue;
      ms.added.push(tunnel - direct);
      ms.tunnel.push(tunnel);
      ms.stdio.push(stdio);
    }
    return {
      contenders: [
        { name: 'added', about: 'a connection through runlet, less one without' },
        { name: 'tunnel', about: 'a connection through runlet' },
        { name: 'stdio', about: "a process's stdin and stdout, `cat`" },
      ],
      rows: [
        makeRow(
          { id: 'tunnel-echo', measure: `${BYTES} bytes there and back`, unit: 'ms' },
          [
            { contender: 'added', rounds: ms.added },
            { contender: 'tunnel', rounds: ms.tunnel },
            { contender: 'stdio', rounds: ms.stdio },
          ],
          'added',
          { stdio: { most: 1 } },
        ),
      ],
    };
  } finally {
    connection.close();
    await server.stop();
    echo.close();
  }
}

/**
 * @param {() => Promise<void>} trip
 * @returns {Promise<number>} milliseconds of one, on average
 */
async function timeOf(trip) {
  const began = performance.now();
  for (let i = 0; i < TRIPS; i += 1) await trip();
  return (performance.now() - began) / TRIPS;
}

const DATA = Buffer.alloc(BYTES, 'x');

/** @param {number} port */
async function directTrip(port) {
  const socket = connectTcp({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  return async () => {
    socket.write(DATA);
    for (let left = BYTES; left > 0; ) left -= (await once(socket, 'data'))[0].length;
  };
}

/**
 * A stream of requests to which more are added.
 *
 * @template T
 * @returns {{ push(value: T): void, values(): AsyncGenerator<T> }}
 */
function queueOf() {
  /** @type {T[]} */
  const waiting = [];
  let wake = () => {};
  return {
    push(value) {
      waiting.push(value);
      wake();
    },
    async *values() {
      for (;;) {
        const next = waiting.shift();
        if (next !== undefined) yield next;
        else await new Promise((resolve) => (wake = () => resolve(undefined)));
      }
    },
  };
}

/**
 * @param {import('@grpc/grpc-js').Client} connection
 * @param {{ sessionId: string, host: string, port: number }} open
 */
async function tunnelTrip(connection, open) {
  const requests = /** @type {ReturnType<typeof queueOf<any>>} */ (queueOf());
  requests.push({ request: { case: 'open', value: open } });
  const responses = createClient(TunnelService, connection)
    .connect(requests.values())
    [Symbol.asyncIterator]();
  await responses.next();
  return async () => {
    requests.push({ request: { case: 'data', value: DATA } });
    for (let left = BYTES; left > 0; ) {
      const { value } = await responses.next();
      if (value.response.case === 'data') left -= value.response.value.byteLength;
    }
  };
}

/**
 * @param {import('@grpc/grpc-js').Client} connection
 * @param {string} sessionId
 */
async function stdioTrip(connection, sessionId) {
  const requests = /** @type {ReturnType<typeof queueOf<any>>} */ (queueOf());
  const spec = { argv: ['cat'], stdin: StdinMode.PIPE };
  requests.push({ request: { case: 'start', value: { sessionId, spec } } });
  const responses = processesOf(connection).interact(requests.values())[Symbol.asyncIterator]();
  await responses.next();
  return async () => {
    requests.push({ request: { case: 'stdin', value: { data: DATA } } });
    for (let left = BYTES; left > 0; ) {
      const { value } = await responses.next();
      for (const { event } of value.events ?? []) {
        if (event.case === 'output') left -= event.value.data.byteLength;
      }
    }
  };
}

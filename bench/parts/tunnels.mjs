// @ts-check
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { built } from '../lib/built.mjs';
import { compileProgram, findCompiler } from '../lib/c-program.mjs';
import { makeRow } from '../lib/row.mjs';
import { connect, processesOf, sessionsOf } from '../lib/runlet-client.mjs';
import { median } from '../lib/statistics.mjs';
import { startRunlet } from '../servers/runlet.mjs';
import { startProgram, stopProgram } from '../servers/server.mjs';

/** @import { Options, Result } from '../lib/part.mjs' */

export const name = 'tunnels';
export const summary = 'what a connection through runlet adds to a round trip';

/** Bytes of a round trip. */
const BYTES = 64;

/**
 * The rounds, an odd number, and in each so many turns of every kind, of so many round trips. The
 * turns are short: what else a machine does goes on for longer than one, and slows all kinds alike.
 */
const ROUNDS = 15;
const TURNS = 20;
const TRIPS = 50;

/** @type {typeof import('../../src/bridge/create-client.ts')} */
const { createClient } = await built('bridge/create-client.js');
/** @type {typeof import('../../src/gen/runlet/v1/tunnel_pb.ts')} */
const { TunnelService } = await built('gen/runlet/v1/tunnel_pb.js');
/** @type {typeof import('../../src/gen/runlet/v1/process_pb.ts')} */
const { StdinMode } = await built('gen/runlet/v1/process_pb.js');

/**
 * Takes less than half a minute.
 *
 * @param {Options} options
 * @returns {Promise<Result>}
 */
export async function run({ profileFolder, say }) {
  // In a process of its own, as what tunnels lead to is: in this one it would not have to be woken,
  // and the server would have to wake this one for it, on another processor.
  const program = compileProgram(findCompiler(), new URL('../echo.c', import.meta.url));
  const { child: echo, match } = await startProgram(program, [], /^echo listening on (\d+)$/);
  const port = Number(match[1]);
  const server = await startRunlet({ profileFolder });
  const connection = connect(server.address);
  const direct = connectTcp({ host: '127.0.0.1', port, noDelay: true });
  try {
    await once(direct, 'connect');
    const { session } = await sessionsOf(connection).createSession({});
    const sessionId = session?.sessionId ?? '';
    const trips = {
      direct: directTrip(direct),
      tunnel: await tunnelTrip(connection, { sessionId, host: '127.0.0.1', port }),
      stdio: await stdioTrip(connection, sessionId),
    };
    /** @type {Record<'added' | 'stdio' | 'tunnel', number[]>} */
    const ms = { added: [], stdio: [], tunnel: [] };
    for (let round = 0; round <= ROUNDS; round += 1) {
      say(`round ${round} of ${ROUNDS}`);
      const { direct, stdio, tunnel } = await mediansOf(trips);
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
    direct.destroy();
    connection.close();
    await server.stop();
    await stopProgram(echo);
  }
}

/**
 * Measures round trips of each kind in turns.
 *
 * @param {Record<'direct' | 'stdio' | 'tunnel', () => Promise<void>>} trips
 * @returns {Promise<Record<'direct' | 'stdio' | 'tunnel', number>>} milliseconds of one, the median
 */
async function mediansOf(trips) {
  const kinds = /** @type {const} */ (['direct', 'tunnel', 'stdio']);
  /** @type {Record<'direct' | 'stdio' | 'tunnel', number[]>} */
  const ms = { direct: [], stdio: [], tunnel: [] };
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const kind of kinds) {
      for (let i = 0; i < TRIPS; i += 1) {
        const began = performance.now();
        await trips[kind]();
        ms[kind].push(performance.now() - began);
      }
    }
  }
  return { direct: median(ms.direct), stdio: median(ms.stdio), tunnel: median(ms.tunnel) };
}

const DATA = Buffer.alloc(BYTES, 'x');

/**
 * @param {import('node:net').Socket} socket
 * @returns {() => Promise<void>}
 */
function directTrip(socket) {
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

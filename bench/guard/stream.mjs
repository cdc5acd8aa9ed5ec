// @ts-check
import { inTurns } from '../lib/rounds.mjs';
import { makeRow } from '../lib/row.mjs';
import { ask, onStage } from './stage.mjs';
import { timed } from './usage.mjs';

/** @import { Check } from './judge.mjs' */

const MIB = 1024 * 1024;
const ROUNDS = 5;
const BYTES = 32 * MIB;
/** Of the messages of a stream that is fast. */
const MESSAGE_BYTES = 128 * 1024;

/** Today 1.4 to 3.6. */
const MOST_OF_READY_MADE = 9;

/**
 * What a byte of the output of a process costs the server in time of processors on its way
 * to one client, compared to messages that a bare server made before. How fast either gets
 * there depends on what else the machine does: each block waits for its turn in a pipe.
 *
 * @type {Check}
 */
export const stream = {
  id: 'stream',
  measure: (setup) =>
    onStage(setup, async ({ bareSocket, node, serve, socket }) => {
      const [server, bare] = await Promise.all([serve(), node('bare-server.mjs', bareSocket)]);
      const client = await node('output-client.mjs', socket, bareSocket);
      const order = { argv: [setup.flood, 'bulk', `${BYTES}`], pause: true };
      const contenders = [
        { pid: server, request: { command: 'flood', order } },
        { pid: bare.pid, request: { command: 'floodBare', bytes: BYTES, size: MESSAGE_BYTES } },
      ];
      const cost = async (/** @type {{ pid: number, request: object }} */ { pid, request }) => {
        const { nanoseconds } = await timed(pid, () => ask(client, request));
        return nanoseconds / BYTES;
      };
      await inTurns(contenders, 1, cost);
      const [runlet = [], readyMade = []] = await inTurns(contenders, ROUNDS, cost);
      const values = [
        { contender: 'runlet', rounds: runlet },
        { contender: 'ready-made', rounds: readyMade },
      ];
      const measure = 'CPU per byte, one stream';
      return makeRow({ id: 'stream', measure, unit: 'ns/byte' }, values, 'runlet', {
        'ready-made': { most: MOST_OF_READY_MADE },
      });
    }),
};

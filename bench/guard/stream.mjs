// @ts-check
import { inTurns } from '../lib/rounds.mjs';
import { makeRow } from '../lib/row.mjs';
import { ask, onStage } from './stage.mjs';

/** @import { Flood } from '../output-client.mjs' */
/** @import { Check } from './judge.mjs' */

const MIB = 1024 * 1024;
const ROUNDS = 5;
const BYTES = 64 * MIB;
/** Of the messages of a stream that is fast. */
const MESSAGE_BYTES = 128 * 1024;

/** Today 0.4 to 0.7. */
const LEAST_OF_READY_MADE = 0.15;

/**
 * How fast the output of a process gets to one client, compared to messages that a bare
 * server made before.
 *
 * @type {Check}
 */
export const stream = {
  id: 'stream',
  measure: (setup) =>
    onStage(setup, async ({ bareSocket, node, serve, socket }) => {
      await serve();
      await node('bare-server.mjs', bareSocket);
      const client = await node('output-client.mjs', socket, bareSocket);
      const order = { argv: [setup.flood, 'blocks', `${BYTES}`], pause: true };
      const requests = [
        { command: 'flood', order },
        { command: 'floodBare', bytes: BYTES, size: MESSAGE_BYTES },
      ];
      const rate = async (/** @type {object} */ request) => {
        /** @type {Flood} */
        const { seconds } = await ask(client, request);
        return BYTES / MIB / seconds;
      };
      await inTurns(requests, 1, rate);
      const [runlet = [], bare = []] = await inTurns(requests, ROUNDS, rate);
      const values = [
        { contender: 'runlet', rounds: runlet },
        { contender: 'ready-made', rounds: bare },
      ];
      return makeRow({ id: 'stream', measure: 'one stream', unit: 'MiB/s' }, values, 'runlet', {
        'ready-made': { least: LEAST_OF_READY_MADE },
      });
    }),
};

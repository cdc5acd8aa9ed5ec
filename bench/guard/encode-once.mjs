// @ts-check
import { makeRow } from '../lib/row.mjs';
import { ask, onStage } from './stage.mjs';
import { timed } from './usage.mjs';

/** @import { Contender } from '../lib/contender.mjs' */
/** @import { Tally, Target } from '../lib/runlet-client.mjs' */
/** @import { Check } from './judge.mjs' */
/** @import { Timed } from './usage.mjs' */

const ROUNDS = 3;
/**
 * 10,000 lines of 20 bytes, each an event of its own. They are written once: the pipe holds
 * 16 at a time, so that on a busy machine much of the time is waiting for their turn.
 */
const LINES_BYTES = 200_000;
const WATCHERS = 50;

/** Today 0.04, and from 0.12 on where events are encoded for each watcher. */
const MOST_OF_ONE = 0.1;
/** Today 1 to 3, and from 12 on where they are: that is the one that tells. */
const MOST_OF_READY_MADE = 6;

const CONTENDERS = /** @type {const} */ (['many', 'one', 'retained', 'ready-made']);

/**
 * What a delivered byte costs the server in time of processors, with many watchers of a
 * process: compared to what it costs with one, and to a bare server that sends messages
 * made before. Events are small, since encoding them is most of what those would cost; and
 * they are watched when the process has ended, since a message then has as many of them
 * as fit, however fast the watchers are.
 *
 * @type {Check}
 */
export const encodeOnce = {
  id: 'encode-once',
  measure: (setup) =>
    onStage(setup, async ({ bareSocket, node, serve, socket }) => {
      const [server, bare] = await Promise.all([serve(), node('bare-server.mjs', bareSocket)]);
      const client = await node('output-client.mjs', socket, bareSocket);
      const order = { argv: [setup.flood, 'packets', `${LINES_BYTES}`] };
      /** @type {Timed<Target>} */
      const filled = await timed(server, () => ask(client, { command: 'fill', order }));
      const cast = { server, bare: bare.pid, client };
      const measureOnce = () => measureRound(cast, filled);
      await measureOnce();
      /** @type {Costs[]} */
      const rounds = [];
      while (rounds.length < ROUNDS) rounds.push(await measureOnce());
      const measure = `CPU per delivered byte, ${WATCHERS} watchers`;
      const about = /** @type {const} */ ({ id: 'encode-once', measure, unit: 'ns/byte' });
      const values = CONTENDERS.map((contender) => ({
        contender,
        rounds: rounds.map((round) => round[contender]),
      }));
      const toOne = makeRow(about, values, 'many', { one: { most: MOST_OF_ONE } });
      const toReadyMade = makeRow(about, values, 'retained', {
        'ready-made': { most: MOST_OF_READY_MADE },
      });
      return { ...toOne, ratios: [...toOne.ratios, ...toReadyMade.ratios] };
    }),
};

/**
 * In nanoseconds for a byte: with many watchers and with one, what reading the lines from
 * the process takes included; with many, without that; and of the bare server.
 *
 * @typedef {Record<(typeof CONTENDERS)[number], number>} Costs
 */

/**
 * @param {{ server: number, bare: number, client: Contender }} cast
 * @param {Timed<Target>} filled the process whose lines are retained, and what that took
 * @returns {Promise<Costs>}
 */
async function measureRound({ server, bare, client }, filled) {
  const target = filled.result;
  const replay = async (/** @type {number} */ watchers) => {
    /** @type {Timed<Tally[]>} */
    const { nanoseconds, result } = await timed(server, () =>
      ask(client, { command: 'replay', target, watchers }),
    );
    if (result.some(({ bytes }) => bytes < LINES_BYTES)) throw new Error('lines are missing');
    const sum = (/** @type {'bytes' | 'messages'} */ of) =>
      result.reduce((total, tally) => total + tally[of], 0);
    return { nanoseconds, bytes: sum('bytes'), messages: sum('messages') };
  };
  const one = await replay(1);
  const many = await replay(WATCHERS);
  const size = Math.round(many.bytes / many.messages);
  const request = { command: 'floodBare', bytes: many.bytes, size };
  const sent = await timed(bare, () => ask(client, request));
  return {
    many: (filled.nanoseconds + many.nanoseconds) / many.bytes,
    one: (filled.nanoseconds + one.nanoseconds) / one.bytes,
    retained: many.nanoseconds / many.bytes,
    'ready-made': sent.nanoseconds / many.bytes,
  };
}

// @ts-check
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { connect } from '../../dist/client/index.js';
import { inTurns } from '../lib/rounds.mjs';
import { makeRow } from '../lib/row.mjs';
import { startProgram, stopProgram } from '../servers/server.mjs';
import { onStage } from './stage.mjs';
import { cpuMs } from './usage.mjs';

/** @import { Check } from './judge.mjs' */

const MAIN = fileURLToPath(new URL('../../bundle/main.js', import.meta.url));
const NODE = [process.execPath, '-e', '0'];

/** Today 1.2 to 1.4, and 2.8 where all commands are loaded. */
const MOST_OF_HELP = 1.7;
/** Today 3.2 to 5.8, by how fast the machine is. */
const MOST_OF_RUN = 6.2;
/** Today 2.0 to 3.3, by how fast the machine is. */
const MOST_OF_FIRST_ANSWER = 4.2;

const ROUNDS = 5;
/** Of each in a round: what is counted has ticks of 10 ms. */
const STARTS = 3;

/** Runs a command so often, and tells what all of them took. */
const SCRIPT = `i=0
while [ $i -lt ${STARTS} ]; do "$@" >/dev/null || exit; i=$((i + 1)); done
times`;

/**
 * What a start takes in time of processors, of all that it waits for.
 *
 * @param {readonly string[]} command
 * @returns {number} in milliseconds
 */
function cpuOfStart(command) {
  const args = ['-c', SCRIPT, 'sh', ...command];
  const { status, stdout } = spawnSync('/bin/sh', args, { encoding: 'utf8' });
  // The second line is of the children: 0m1.230s 0m0.120s.
  const times = [...(stdout.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  if (status !== 0 || times.length !== 2) throw new Error(`${command.join(' ')} has failed`);
  const seconds = times.reduce((sum, [, m, s]) => sum + 60 * Number(m) + Number(s), 0);
  return (1000 * seconds) / STARTS;
}

/**
 * What a server takes until it has answered a first call.
 *
 * @param {string} socket
 * @param {string} state its folder
 */
async function cpuOfFirstAnswer(socket, state) {
  const address = `unix:${socket}`;
  const flags = ['--log-level', 'error', '--listen', address, '--state-dir', state];
  const { child } = await startProgram(MAIN, ['serve', ...flags], /^runlet listening on /);
  const client = connect(address);
  try {
    await client.info();
    return cpuMs(child.pid ?? 0);
  } finally {
    await client.close();
    await stopProgram(child);
  }
}

/**
 * What a user waits for before anything is done: commands, as they are started by their users,
 * and a server, each compared to a Node.js that does nothing. The first round, which is not
 * counted, leaves what is compiled for the others.
 *
 * @param {string} id
 * @param {string} measure
 * @param {number} most
 * @param {(paths: { socket: string, state: string }) => Promise<number> | number} cost
 * @returns {Check}
 */
function comparedToNode(id, measure, most, cost) {
  return {
    id,
    measure: (setup) =>
      onStage(setup, async ({ socket }) => {
        const paths = { socket, state: `${socket}-state` };
        const contenders = [async () => cost(paths), async () => cpuOfStart(NODE)];
        await inTurns(contenders, 1, (contender) => contender());
        const [runlet = [], node = []] = await inTurns(contenders, ROUNDS, (one) => one());
        const values = [
          { contender: 'runlet', rounds: runlet },
          { contender: 'node -e 0', rounds: node },
        ];
        return makeRow({ id, measure, unit: 'ms' }, values, 'runlet', { 'node -e 0': { most } });
      }),
  };
}

export const help = comparedToNode('help', 'CPU of runlet --help', MOST_OF_HELP, () =>
  cpuOfStart([MAIN, '--help']),
);

export const run = comparedToNode('run', 'CPU of runlet run -- /bin/true', MOST_OF_RUN, () =>
  cpuOfStart([MAIN, 'run', '--', '/bin/true']),
);

export const firstAnswer = comparedToNode(
  'first-answer',
  'CPU of runlet serve until a first answer',
  MOST_OF_FIRST_ANSWER,
  ({ socket, state }) => cpuOfFirstAnswer(socket, state),
);

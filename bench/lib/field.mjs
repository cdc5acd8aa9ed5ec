// @ts-check
import { fileURLToPath } from 'node:url';
import { findExecServer, startExecServer } from '../servers/exec-server.mjs';
import { startRunlet } from '../servers/runlet.mjs';
import { findSshd, startSshd } from '../servers/sshd.mjs';
import { compileProgram, findCompiler } from './c-program.mjs';
import { startContender } from './contender.mjs';
import { MissingError } from './missing-error.mjs';
import { watchUsage } from './tree-usage.mjs';

/** @import { Contender, Options } from './part.mjs' */
/** @import { Usage } from './row.mjs' */

/**
 * One that is measured: a driver in a process of its own, joined to its server if it has one.
 *
 * @typedef {object} Entrant
 * @property {string} name
 * @property {(measure: string, request: object) => Promise<any>} ask has something of
 *   executors/measures.mjs measured
 * @property {string} address of its server; empty: it has none
 * @property {() => () => Usage} watch see tree-usage.mjs; of the driver where there is no server
 * @property {() => Promise<void>} stop
 */

/**
 * All that are measured.
 *
 * @typedef {object} Field
 * @property {Entrant[]} entrants those that are there
 * @property {Contender[]} contenders all, with what is missing of the others
 * @property {() => Promise<void>} stop
 */

/** @typedef {{ about: string, enter: () => Promise<Entrant> }} Candidate */

/** @type {Record<string, (options: Options) => Candidate>} */
const CANDIDATES = { runlet, 'exec-server': execServer, ssh, child_process: childProcess, C: c };

/**
 * Starts those of the candidates that are installed.
 *
 * @param {readonly string[]} names
 * @param {Options} options
 * @returns {Promise<Field>}
 */
export async function gather(names, options) {
  /** @type {Contender[]} */
  const contenders = [];
  /** @type {Entrant[]} */
  const entrants = [];
  for (const name of names) {
    try {
      const candidate = CANDIDATES[name]?.(options);
      if (candidate === undefined) throw new Error(`there is no ${name}`);
      entrants.push(await candidate.enter());
      contenders.push({ name, about: candidate.about });
    } catch (error) {
      if (!(error instanceof MissingError)) throw error;
      contenders.push({ name, about: name, missing: error.what });
    }
  }
  const stop = async () => {
    for (const entrant of entrants) await entrant.stop();
  };
  return { entrants, contenders, stop };
}

/**
 * @param {Options} options
 * @returns {Candidate}
 */
function runlet({ profileFolder }) {
  return {
    about: 'runlet serve, by its own client over a Unix socket',
    enter: async () => driven('runlet', await startRunlet({ profileFolder })),
  };
}

/** @returns {Candidate} */
function execServer() {
  const found = findExecServer();
  return {
    about: `${found.version} exec-server, by ws over the loopback interface`,
    enter: async () => driven('exec-server', await startExecServer(found)),
  };
}

/** @returns {Candidate} */
function ssh() {
  const found = findSshd();
  return {
    about: `${found.version}, a client for each process over one connection of the loopback interface`,
    enter: async () => driven('ssh', await startSshd(found)),
  };
}

/** @returns {Candidate} */
function childProcess() {
  return {
    about: `child_process of Node.js ${process.version}, in the process that asks`,
    enter: () => driven('child_process', undefined),
  };
}

/** @returns {Candidate} */
function c() {
  const compiler = findCompiler();
  const compiled = (/** @type {string} */ name) =>
    compileProgram(compiler, new URL(`../${name}.c`, import.meta.url));
  return {
    about: `posix_spawn(3), pipes and splice(2) in C, by ${compiler.version}`,
    enter: async () => {
      const starts = await startContender('C', compiled('posix-spawn-bound'), ['1']);
      const others = await startContender('C', compiled('machine-limit'), []);
      return {
        name: 'C',
        ask: async (measure, request) => {
          const words = [measure, ...Object.values(request).flat()].join(' ');
          if (measure === 'rate') return starts.ask(words);
          if (measure !== 'latency') return others.ask(words);
          return /** @type {{ latenciesMs: number[] }} */ (await starts.ask(words)).latenciesMs;
        },
        address: '',
        watch: () => watchUsage(others.pid),
        stop: async () => {
          await starts.stop();
          await others.stop();
        },
      };
    },
  };
}

/**
 * @param {string} name of the executor
 * @param {import('../servers/server.mjs').Server | undefined} server
 * @returns {Promise<Entrant>}
 */
async function driven(name, server) {
  const script = fileURLToPath(new URL('../executors/driver.mjs', import.meta.url));
  const address = server?.address ?? '';
  const driver = await startContender(name, process.execPath, [script, name, address]);
  return {
    name,
    ask: (measure, request) => driver.ask(JSON.stringify({ measure, ...request })),
    address,
    watch: () => watchUsage(server?.pid ?? driver.pid),
    stop: async () => {
      await driver.stop();
      await server?.stop();
    },
  };
}

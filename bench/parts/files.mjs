// @ts-check
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFile, makeFolder } from '../files/material.mjs';
import { carryBothWays } from '../files/measure.mjs';
import { FILE_WAYS, FOLDER_WAYS } from '../files/ways.mjs';
import { makeRow } from '../lib/row.mjs';
import { startRunlet } from '../servers/runlet.mjs';

/** @import { Carried } from '../files/measure.mjs' */
/** @import { Options, Result } from '../lib/part.mjs' */
/** @import { Row, Target, Value } from '../lib/row.mjs' */

export const name = 'files';
export const summary = 'how fast files get to a server and back, beside the same through processes';

/** The size of the file, and how many the folder has. */
const MIB = 1024;
const FILES = 20_000;

/** The first is not counted: the server compiles its code, and the system reads the file. */
const ROUNDS = 3;

/** What a rate shall be, of the same through a process. */
const LEAST = /** @type {const} */ ({ file: 0.8, folder: 0.5 });

/**
 * Takes about twelve minutes.
 *
 * @param {Options} options
 * @returns {Promise<Result>}
 */
export async function run({ profileFolder, say }) {
  const folder = await mkdtemp(join(tmpdir(), 'runlet-bench-'));
  const [file, tree] = [join(folder, 'file'), join(folder, 'tree')];
  const server = await startRunlet({ profileFolder });
  try {
    say('making files');
    await makeFile(file, MIB);
    await makeFolder(tree, FILES);
    /** @type {Carried[][]} */
    const files = [];
    /** @type {Carried[][]} */
    const trees = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      say(`round ${round} of ${ROUNDS}`);
      files.push(await carryBothWays(server, FILE_WAYS, file, folder));
      trees.push(await carryBothWays(server, FOLDER_WAYS, tree, folder));
    }
    return {
      contenders: [
        { name: 'cp', about: '`runlet cp`' },
        { name: 'client', about: '`session.files` of the client library' },
        { name: 'cat', about: '`runlet run -- cat`, through its stdin and stdout' },
        { name: 'tar', about: '`tar | runlet run -- tar`, and the reverse' },
      ],
      rows: [...fileRows(files.slice(1)), ...folderRows(trees.slice(1))],
    };
  } finally {
    await server.stop();
    await rm(folder, { recursive: true });
  }
}

/**
 * @param {readonly (readonly Carried[])[]} rounds
 * @returns {Row[]}
 */
function fileRows(rounds) {
  const measured = /** @type {const} */ (['up', 'down']).flatMap((direction) => {
    const values = valuesOf(rounds, direction, ({ ms }) => MIB / (ms / 1000));
    const least = { least: LEAST.file };
    return ['cp', 'client'].map((of) => {
      const about = {
        id: `file-${direction}-${of}`,
        measure: `${MIB} MiB ${direction}`,
        unit: /** @type {const} */ ('MiB/s'),
      };
      const some = values.filter(({ contender }) => contender === of || contender === 'cat');
      return makeRow(about, some, of, { cat: least });
    });
  });
  const grown = /** @type {const} */ (['up', 'down']).map((direction) =>
    makeRow(
      {
        id: `memory-${direction}`,
        measure: `memory of the server, more than before, ${MIB} MiB ${direction}`,
        unit: 'MiB',
      },
      valuesOf(rounds, direction, ({ grownMib }) => grownMib),
      'cp',
      {},
    ),
  );
  return [...measured, ...grown];
}

/**
 * @param {readonly (readonly Carried[])[]} rounds
 * @returns {Row[]}
 */
function folderRows(rounds) {
  /** @type {Target} */
  const most = { most: 1 / LEAST.folder };
  return /** @type {const} */ (['up', 'down']).map((direction) =>
    makeRow(
      { id: `folder-${direction}`, measure: `${FILES} small files ${direction}`, unit: 's' },
      valuesOf(rounds, direction, ({ ms }) => ms / 1000),
      'cp',
      { tar: most },
    ),
  );
}

/**
 * What each way has of a direction, in all rounds.
 *
 * @param {readonly (readonly Carried[])[]} rounds
 * @param {'up' | 'down'} direction
 * @param {(carried: Carried) => number} number
 * @returns {Value[]}
 */
function valuesOf(rounds, direction, number) {
  const ways = new Set(rounds.flat().map(({ way }) => way));
  return Array.from(ways, (contender) => ({
    contender,
    rounds: rounds.map((round) =>
      number(
        /** @type {Carried} */ (
          round.find((one) => one.way === contender && one.direction === direction)
        ),
      ),
    ),
  }));
}

// @ts-check
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeFile } from '../files/material.mjs';
import { built } from '../lib/built.mjs';
import { makeRow } from '../lib/row.mjs';
import { startRunlet } from '../servers/runlet.mjs';

/** @import { Options, Result } from '../lib/part.mjs' */

export const name = 'sandbox';
export const summary = 'what a sandbox adds to a start and to files, beside bwrap and beside none';

const STARTS = fileURLToPath(new URL('../sandbox-start.mjs', import.meta.url));

/** Starts of each kind in a round, and the rounds: an odd number. */
const STARTS_A_ROUND = 31;
const ROUNDS = 5;

/** The size of the file that is read, and how often one is looked at. */
const MIB = 1024;
const STATS = 300;

/** @typedef {import('../../src/client/index.ts').RemoteFiles} Files */

/**
 * Takes about two minutes.
 *
 * @param {Options} options
 * @returns {Promise<Result>}
 */
export async function run({ profileFolder, say }) {
  /** @type {typeof import('../../src/client/index.ts')} */
  const { connect } = await built('client/index.js');
  const folder = await mkdtemp(join(tmpdir(), 'runlet-bench-'));
  const path = join(folder, 'file');
  const server = await startRunlet({ profileFolder });
  const client = connect(`unix:${server.address}`);
  const session = await client.session();
  try {
    await makeFile(path, MIB);
    const plain = session.files;
    const sandboxed = plain.within({ rules: [{ path: folder, access: 'read' }] });
    /** @type {Record<'platform' | 'bare', Starts[]>} */
    const starts = { platform: [], bare: [] };
    /** @type {Record<'plain' | 'sandboxed', { read: number[], stat: number[] }>} */
    const files = { plain: { read: [], stat: [] }, sandboxed: { read: [], stat: [] } };
    // The first is not counted: helpers start, and the system reads the file.
    for (let round = 0; round <= ROUNDS; round += 1) {
      say(`round ${round} of ${ROUNDS}`);
      const medians = await measureStarts();
      const ms = {
        plain: { stat: await timeOfStats(plain, path), read: await timeOfRead(plain, path) },
        sandboxed: {
          stat: await timeOfStats(sandboxed, path),
          read: await timeOfRead(sandboxed, path),
        },
      };
      if (round === 0) continue;
      starts.platform.push(medians.platform);
      starts.bare.push(medians.bare);
      for (const kind of /** @type {const} */ (['plain', 'sandboxed'])) {
        files[kind].stat.push(ms[kind].stat / STATS);
        files[kind].read.push(MIB / (ms[kind].read / 1000));
      }
    }
    const valuesOf = (/** @type {'read' | 'stat'} */ what) => [
      { contender: 'sandboxed', rounds: files.sandboxed[what] },
      { contender: 'plain', rounds: files.plain[what] },
    ];
    return {
      contenders: [
        { name: 'sandboxed', about: 'in a sandbox of runlet' },
        { name: 'bwrap', about: 'the same mounts and namespaces by `bwrap` alone' },
        { name: 'plain', about: 'runlet without a sandbox' },
      ],
      rows: [
        rowOfStarts('sandbox-start', '/bin/true in a sandbox', starts.platform, 'sandboxedMs'),
        rowOfStarts('sandbox-launch', 'the same, paths found', starts.platform, 'launchMs'),
        rowOfStarts('sandbox-start-bare', 'in the least sandbox', starts.bare, 'sandboxedMs'),
        makeRow(
          { id: 'sandbox-read', measure: `${MIB} MiB read in a sandbox`, unit: 'MiB/s' },
          valuesOf('read'),
          'sandboxed',
          { plain: { least: 0.95 } },
        ),
        makeRow(
          { id: 'sandbox-stat', measure: 'StatFile in a sandbox', unit: 'ms' },
          valuesOf('stat'),
          'sandboxed',
          { plain: { most: 3 } },
        ),
      ],
    };
  } finally {
    await session.close();
    await client.close();
    await server.stop();
    await rm(folder, { recursive: true });
  }
}

/**
 * @param {string} id
 * @param {string} measure
 * @param {readonly Starts[]} rounds
 * @param {'sandboxedMs' | 'launchMs'} which
 */
function rowOfStarts(id, measure, rounds, which) {
  return makeRow(
    { id, measure, unit: 'ms' },
    [
      { contender: 'sandboxed', rounds: rounds.map((round) => round[which]) },
      { contender: 'bwrap', rounds: rounds.map(({ bwrapMs }) => bwrapMs) },
    ],
    'sandboxed',
    { bwrap: { most: 1.2 } },
  );
}

/** @typedef {{ sandboxedMs: number, launchMs: number, bwrapMs: number }} Starts */

/** @returns {Promise<Record<'platform' | 'bare', Starts>>} */
async function measureStarts() {
  const { stdout } = await promisify(execFile)(process.execPath, [STARTS, String(STARTS_A_ROUND)]);
  return JSON.parse(stdout);
}

/**
 * @param {Files} files
 * @param {string} path
 * @returns {Promise<number>} milliseconds
 */
async function timeOfRead(files, path) {
  const began = performance.now();
  let bytes = 0;
  for await (const chunk of files.read(path)) bytes += chunk.length;
  if (bytes !== MIB * 2 ** 20) throw new Error(`${bytes} bytes were read`);
  return performance.now() - began;
}

/**
 * @param {Files} files
 * @param {string} path
 * @returns {Promise<number>} milliseconds
 */
async function timeOfStats(files, path) {
  const began = performance.now();
  for (let i = 0; i < STATS; i += 1) await files.stat(path);
  return performance.now() - began;
}

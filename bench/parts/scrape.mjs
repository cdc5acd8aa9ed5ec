// @ts-check
import { fileURLToPath } from 'node:url';
import { startContender } from '../lib/contender.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { makeRow } from '../lib/row.mjs';
import { costOfScrape, scrape } from '../lib/scrapes.mjs';
import { startRunlet } from '../servers/runlet.mjs';
import { freePort } from '../servers/server.mjs';

/** @import { Contender as Driver } from '../lib/contender.mjs' */
/** @import { Options, Result } from '../lib/part.mjs' */
/** @import { Row } from '../lib/row.mjs' */

export const name = 'scrape';
export const summary = 'what a scrape of metrics takes of the event loop';

/** Processes that the server knows: each ran, is closed, and retained. */
const KNOWN = [0, 1_000, 10_000];

/** Long enough that nothing is evicted, and as many as there are to be. */
const FLAGS = ['--retention', '3600', '--max-processes', '20000'];

const ROUNDS = 7;
/** Of each in a round. */
const SCRAPES = 50;
/** Code has to be compiled in both. */
const WARM_UP = 200;

const SERVER = 'runlet';
const BARE = 'bare';

/**
 * What is scraped: where, and by which process.
 *
 * @typedef {object} Scraped
 * @property {string} name of the contender
 * @property {string} url
 * @property {number} pid
 */

/**
 * Takes about 60 seconds.
 *
 * @param {Options} options
 * @returns {Promise<Result>}
 */
export async function run({ profileFolder, say }) {
  const port = await freePort();
  const metrics = ['--metrics', `127.0.0.1:${port}`];
  const server = await startRunlet({ flags: [...FLAGS, ...metrics], profileFolder });
  const holder = await startScript('holder', '../idle-client.mjs', server.address, '4');
  const bare = await startScript(BARE, '../bare-scrape.mjs');
  const rows = [];
  let known = 0;
  for (const count of KNOWN) {
    say(`${count} processes that are retained`);
    await holder.ask(JSON.stringify({ command: 'output', count: count - known, bytes: 1 }));
    known = count;
    const measured = { name: SERVER, url: `http://127.0.0.1:${port}/metrics`, pid: server.pid };
    rows.push(await compare(count, measured, bare));
  }
  await bare.stop();
  await holder.stop();
  await server.stop();
  return {
    contenders: [
      { name: SERVER, about: 'a server that knows as many processes as the row says' },
      { name: BARE, about: 'an HTTP server of Node.js that answers the same bytes' },
    ],
    rows,
  };
}

/**
 * Scrapes both in turns, which say the same.
 *
 * @param {number} count
 * @param {Scraped} server
 * @param {Driver} bare
 * @returns {Promise<Row>}
 */
async function compare(count, server, bare) {
  const text = await scrape(server.url);
  const port = await bare.ask(JSON.stringify({ text }));
  const both = [server, { name: BARE, url: `http://127.0.0.1:${port}/`, pid: bare.pid }];
  await inTurns(both, 1, ({ pid, url }) => costOfScrape(pid, url, WARM_UP));
  const rounds = await inTurns(both, ROUNDS, ({ pid, url }) => costOfScrape(pid, url, SCRAPES));
  const values = both.map(({ name }, index) => ({ contender: name, rounds: rounds[index] ?? [] }));
  const about = `event loop taken by a scrape, with ${count.toLocaleString('en-US')} processes that are retained`;
  const details = { bytes: Buffer.byteLength(text) };
  return makeRow({ id: `known-${count}`, measure: about, unit: 'ms', details }, values, SERVER, {
    [BARE]: undefined,
  });
}

/**
 * @param {string} name
 * @param {string} script
 * @param {string[]} args
 */
function startScript(name, script, ...args) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  return startContender(name, process.execPath, [path, ...args]);
}

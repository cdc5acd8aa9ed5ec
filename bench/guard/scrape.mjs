// @ts-check
import { inTurns } from '../lib/rounds.mjs';
import { makeRow } from '../lib/row.mjs';
import { costOfScrape, scrape as read } from '../lib/scrapes.mjs';
import { freePort } from '../servers/server.mjs';
import { ask, onStage } from './stage.mjs';

/** @import { Check } from './judge.mjs' */

/** Enough that what is done for each of them would be seen. */
const KNOWN = 2_000;

/** Today 7 to 11. A hundredth of a millisecond for each process would be 100. */
const BOUNDS = { bare: { most: 30 } };

const ROUNDS = 5;
const SCRAPES = 40;
/** Code has to be compiled in both. */
const WARM_UP = 100;

/**
 * What a scrape of metrics takes of the event loop of a server that knows many processes, compared
 * to an answer with as many bytes.
 *
 * @type {Check}
 */
export const scrape = {
  id: 'scrape',
  measure: (setup) =>
    onStage(setup, async ({ node, serve, socket }) => {
      const port = await freePort();
      // Longer than the row takes, on whatever machine.
      const pid = await serve(['--metrics', `127.0.0.1:${port}`, '--retention', '600']);
      const [holder, bare] = await Promise.all([
        node('idle-client.mjs', socket, '4'),
        node('bare-scrape.mjs'),
      ]);
      await ask(holder, { command: 'output', count: KNOWN, bytes: 1 });
      const url = `http://127.0.0.1:${port}/metrics`;
      const text = await read(url);
      const known = new RegExp(`^runlet_processes\\{state="closed"\\} ${KNOWN}$`, 'm');
      if (!known.test(text)) throw new Error(`the server does not know ${KNOWN} processes`);
      const barePort = await ask(bare, { text });
      const both = [
        { contender: 'runlet', pid, url },
        { contender: 'bare', pid: bare.pid, url: `http://127.0.0.1:${barePort}/` },
      ];
      await inTurns(both, 1, (it) => costOfScrape(it.pid, it.url, WARM_UP));
      const rounds = await inTurns(both, ROUNDS, (it) => costOfScrape(it.pid, it.url, SCRAPES));
      const values = both.map(({ contender }, i) => ({ contender, rounds: rounds[i] ?? [] }));
      const about = /** @type {const} */ ({ id: 'scrape', measure: 'CPU of a scrape', unit: 'ms' });
      return makeRow(about, values, 'runlet', BOUNDS);
    }),
};

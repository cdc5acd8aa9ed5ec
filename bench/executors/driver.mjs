// @ts-check
/**
 * Measures one executor, in a process of its own:
 *
 *     node bench/executors/driver.mjs EXECUTOR ADDRESS
 *
 * Answers requests on standard input with a line of JSON each. A request is JSON, too:
 * the name of a function of measures.mjs, and what it is given.
 */
import { createInterface } from 'node:readline';
import { openChildProcess } from './child-process.mjs';
import { openExecServer } from './exec-server.mjs';
import { MEASURES } from './measures.mjs';
import { openRunlet } from './runlet.mjs';
import { openSsh } from './ssh.mjs';

/** @import { Open } from './executor.mjs' */
/** @import { Measures } from './measures.mjs' */

/** @type {Record<string, Open>} */
const EXECUTORS = {
  runlet: openRunlet,
  'exec-server': openExecServer,
  ssh: openSsh,
  child_process: openChildProcess,
};

// Nobody is left to answer: the benchmark was ended.
process.stdout.on('error', () => process.exit(1));

const [name = '', address = ''] = process.argv.slice(2);
const executor = await EXECUTORS[name]?.(address);
if (executor === undefined) throw new Error(`there is no executor ${name}`);

process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { measure, ...request } = JSON.parse(line);
  const answer = await MEASURES[/** @type {keyof Measures} */ (measure)](executor, request);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
executor.close();
process.exit();

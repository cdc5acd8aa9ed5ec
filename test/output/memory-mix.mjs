/**
 * Fills a store with what takes most memory beside the bytes of output: tiny events, readers that
 * stop in the midst of a batch, processes that pause, files. Prints as JSON how much of
 * its budget the process has grown by, and what the store knows of.
 *
 *     node --expose-gc memory-mix.mjs STATE_FOLDER
 */
import { setImmediate as turn } from 'node:timers/promises';
import { systemClock } from '../../dist/clock.js';
import { EventLog } from '../../dist/output/event-log.js';
import { OutputStore } from '../../dist/output/output-store.js';
import { openSpool } from '../../dist/output/spool/spool.js';

const MIB = 1024 * 1024;
const MEMORY_BYTES = 32 * MIB;
const [stateFolder] = process.argv.slice(2);

const spool = await openSpool({ stateFolder });
const store = new OutputStore({
  clock: systemClock,
  spool,
  memoryBytes: MEMORY_BYTES,
  diskBytes: 256 * MIB,
});
let logs = 0;
const newLog = (overflow, retainedBytes = 64 * MIB) =>
  new EventLog({ name: `p${logs++}`, store, retainedBytes, overflow });

function used() {
  for (let i = 0; i < 3; i++) globalThis.gc();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

const TINY = Buffer.from('x\n');
const LARGE = Buffer.alloc(64 * 1024, 'x');
const before = used();

const tiny = Array.from({ length: 12 }, () => newLog('drop-oldest', 4 * MIB));
const large = Array.from({ length: 12 }, () => newLog('drop-oldest', 8 * MIB));
const paused = Array.from({ length: 4 }, () => newLog('pause'));
const stopped = [];
for (let round = 0; round < 120; round++) {
  for (const log of tiny) for (let i = 0; i < 1_000; i++) log.appendOutput('stdout', TINY);
  for (const log of large) {
    log.appendOutput('stdout', LARGE);
    if (stopped.length >= 200) continue;
    const cursor = log.openCursor(log.lastSeq - 1);
    stopped.push({ cursor, batch: await cursor.read(256 * 1024) });
  }
  for (const log of paused) if (log.flowing) log.appendOutput('stdout', LARGE);
  await turn();
}
while (store.writing > 0) await turn();

const grown = (used() - before) / MEMORY_BYTES;
const known = (store.memory + store.index + store.loans.bytes + store.loans.copied) / MEMORY_BYTES;
process.stdout.write(JSON.stringify({ grown, known, stopped: stopped.length }));
for (const { cursor } of stopped) cursor.close();
for (const log of [...tiny, ...large, ...paused]) log.dispose();
await spool.close();

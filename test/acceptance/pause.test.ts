import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ProcessEvent } from '../../src/gen/runlet/v1/event_pb.ts';
import { Overflow } from '../../src/gen/runlet/v1/process_pb.ts';
import { collect, isStdout, outputOf, readUntil } from '../support/events.ts';
import { connectClients, temporaryFolder } from '../support/harness.ts';
import { serve } from '../support/served.ts';
import { awaitRelease, release, shellSpec } from '../support/shell.ts';
import { MIB, startIn } from '../support/spooling.ts';
import { Tally } from '../support/tally.ts';

const PIECES = 150;
const TOTAL = BigInt(PIECES * MIB);
/** What is retained, and what may be on its way: in pipes, sockets and a client's windows. */
const SLACK_PIECES = 50;

/** Prints, once it may begin, and writes to a file how much that was so far. */
const SCRIPT = `${awaitRelease('go')}; i=0
  while [ $i -lt ${PIECES} ]; do head -c ${MIB} /dev/zero; i=$((i+1)); echo $i > count; done`;

type Watch = AsyncIterator<{ readonly events: readonly ProcessEvent[] }>;

interface Paused {
  /** Begins to watch it, over a connection of its own. */
  watch(): Promise<{ readonly watch: Watch; readonly tally: Tally }>;
  /** Resolves when it prints nothing any more, and tells how many pieces it printed. */
  atRest(): Promise<number>;
  /** How many pieces it printed. */
  count(): Promise<number>;
  begin(): Promise<void>;
}

/** Starts a process that waits for its slowest reader. */
async function startPaused(): Promise<Paused> {
  const served = await serve();
  const clients = connectClients(served.address);
  const folder = await temporaryFolder();
  const target = await startIn(clients, folder, SCRIPT, {
    output: { retainedBytes: BigInt(MIB), overflow: Overflow.PAUSE },
  });
  const count = async (): Promise<number> =>
    Number(await readFile(join(folder, 'count'), 'utf8').catch(() => '0'));
  return {
    count,
    async watch() {
      const { processes } = connectClients(served.address);
      const watch = processes.watchProcess(target)[Symbol.asyncIterator]();
      const tally = new Tally();
      tally.take(await readUntil(watch, ({ event }) => event.case === 'started'));
      return { watch, tally };
    },
    async atRest() {
      for (;;) {
        const before = await count();
        // In which time it could print a lot, as another one does.
        const spec = shellSpec(`head -c ${32 * MIB} /dev/zero`);
        const events = await collect(clients.processes.run({ spec }));
        expect(outputOf(events)).toHaveLength(32 * MIB);
        if (before > 0 && (await count()) === before) return before;
      }
    },
    begin: () => release({ folder }, 'go'),
  };
}

/** Reads on to the end. */
async function finish(watch: Watch, tally: Tally): Promise<void> {
  for (let next = await watch.next(); !next.done; next = await watch.next()) {
    tally.take(next.value.events);
  }
}

describe('a process that waits for its readers', () => {
  it('stands still while one has stopped, and gives it every byte when it goes on', async () => {
    const { atRest, begin, count, watch: begun } = await startPaused();
    const { watch, tally } = await begun();
    await begin();
    tally.take(await readUntil(watch, isStdout));
    expect(await atRest()).toBeLessThan(SLACK_PIECES);
    await finish(watch, tally);
    expect(await count()).toBe(PIECES);
    expect(tally).toMatchObject({ gaps: 0, received: TOTAL, total: TOTAL });
  });

  it('stands still with one that has stopped beside another, until that one is gone', async () => {
    const { atRest, begin, count, watch } = await startPaused();
    const stopped = await watch();
    const other = await watch();
    await begin();
    stopped.tally.take(await readUntil(stopped.watch, isStdout));
    const finished = finish(other.watch, other.tally);
    const pieces = await atRest();
    expect(pieces).toBeLessThan(SLACK_PIECES);
    expect(other.tally.total).toBeUndefined();
    await stopped.watch.return?.();
    await finished;
    expect(await count()).toBe(PIECES);
    expect(other.tally).toMatchObject({ gaps: 0, received: TOTAL, total: TOTAL });
  });
});

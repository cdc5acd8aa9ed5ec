import { EventLog } from '../../src/output/event-log.ts';
import type { Overflow } from '../../src/output/event-log-options.ts';
import type { TierSizes } from '../../src/output/log-sizes.ts';
import { OutputStore, type StoreProblem } from '../../src/output/output-store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FaultyFiles } from './spool/faulty-files.ts';
import { testSpool } from './spool/support.ts';

/** One piece of output, which fills a block by itself. */
export const PIECE = Buffer.alloc(100, 'x');
/** Memory that a block has at least. */
export const BLOCK_MEMORY = 512 + 2 * 16;
/** Blocks of a log with two pieces: `started` has one of its own. */
export const BLOCKS = 3;
/** Room for one more file, but not two. */
export const FILE_BYTES = 300;
const SIZES = { blockBytes: 150, hotBytes: 1_000_000, lagBytes: 1_000_000, recordBytes: 0 };

/** Logs, and what they share. */
export interface Bench {
  readonly store: OutputStore;
  readonly clock: FakeClock;
  readonly files: FaultyFiles;
  readonly problems: StoreProblem['kind'][];
  /** Makes a log with two pieces of output. */
  log(name: string, overflow?: Overflow): EventLog;
  /** Lets a log have one piece more after the other until it loses some, and tells who lost when. */
  fill(log: EventLog): Promise<readonly string[]>;
}

/** Logs over a store with so many blocks of memory, and so many bytes of files if there are any. */
export async function bench(
  blocks: number,
  diskBytes?: number,
  sizes: Partial<TierSizes> = {},
): Promise<Bench> {
  const clock = new FakeClock();
  const files = new FaultyFiles();
  const problems: StoreProblem['kind'][] = [];
  // Each block has a file of its own.
  const { spool } = await testSpool({ segmentBytes: 1, files });
  const store = new OutputStore({
    clock,
    memoryBytes: blocks * BLOCK_MEMORY,
    diskBytes: diskBytes ?? 0,
    spool: diskBytes === undefined ? undefined : spool,
    sizes: { ...SIZES, ...sizes },
    onProblem: ({ kind }) => problems.push(kind),
  });
  const logs = new Map<string, EventLog>();
  return {
    store,
    clock,
    files,
    problems,
    log(name, overflow = 'drop-oldest') {
      const log = new EventLog({ name, store, retainedBytes: 1_000_000, overflow });
      logs.set(name, log);
      log.append({ kind: 'started', pid: 1 });
      for (let i = 0; i < 2; i++) log.appendOutput('stdout', PIECE);
      return log;
    },
    async fill(log) {
      const losses: string[] = [];
      const before = new Map([...logs].map(([name, each]) => [name, missing(each)]));
      while (missing(log) === 0) {
        log.appendOutput('stdout', PIECE);
        await files.quiet();
        for (const [name, each] of logs) {
          if (missing(each) > (before.get(name) ?? 0)) losses.push(name);
          before.set(name, missing(each));
        }
      }
      return losses;
    },
  };
}

/** Ends a log. */
export function close(log: EventLog): void {
  log.append({ kind: 'closed', totals: log.totals, outputComplete: true });
}

/** Bytes of output that a log no longer has. */
export function missing({ outputBytes, totals }: EventLog): number {
  return totals.stdout - outputBytes;
}

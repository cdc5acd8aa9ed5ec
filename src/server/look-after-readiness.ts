import type { Clock, Timer } from '../clock.ts';
import { STATE_LOOK_MS, STATE_WRITE_MS } from '../limits.ts';
import { openNameless } from '../nameless-file.ts';
import { BLOCK_BYTES } from '../output/sizes.ts';
import type { HighWater } from './high-water.ts';
import { lookAtMemory } from './look-at-memory.ts';
import { type OwnMemory, ownMemory } from './own-memory.ts';
import type { Readiness } from './readiness.ts';

/** What is looked at from time to time. */
export interface LookAfterOptions {
  readonly readiness: Readiness;
  /** The time of the machine. Its timers keep no program from ending. */
  readonly clock: Clock;
  readonly highWater: HighWater;
  /** Undefined: there is none. */
  readonly stateFolder: string | undefined;
  /** Default: that of this process. */
  readonly memory?: OwnMemory;
  /** Writes a small file into a folder. Default: as the system does it. */
  readonly writeProbe?: (folder: string) => Promise<void>;
}

/** As much as is written of output at one time: so that a disk that is full is noticed. */
const PROBE = Buffer.alloc(BLOCK_BYTES);

/** How what is looked at is changed, and how that ends. */
export interface LookedAfter {
  /** Other marks count from now on. */
  replace(highWater: HighWater): void;
  close(): void;
}

/** Looks from time to time at what readiness depends on and nobody tells of. */
export function lookAfterReadiness(options: LookAfterOptions): LookedAfter {
  const { highWater, memory = ownMemory() } = options;
  const lookedAt = lookAtMemory({ ...options, memory, markBytes: highWater.memoryBytes });
  const endOfFolder = lookAtStateFolder(options);
  return {
    replace: ({ memoryBytes }) => lookedAt.replace(memoryBytes),
    close() {
      lookedAt.end();
      endOfFolder();
    },
  };
}

/**
 * Writes a small file now and then, not at the start: the folder was just made use of. There is
 * one write at a time: one that does not come back, on a mount that hangs, is a reason from some
 * seconds on.
 */
function lookAtStateFolder({
  clock,
  readiness,
  stateFolder,
  writeProbe = writeOnce,
}: LookAfterOptions): () => void {
  if (stateFolder === undefined) return () => {};
  let over = false;
  let timer: Timer | undefined;
  let late: Timer | undefined;
  const look = async (): Promise<void> => {
    late = clock.setTimer(STATE_WRITE_MS, () => readiness.set('state-folder', true));
    const written = await writeProbe(stateFolder).then(
      () => true,
      () => false,
    );
    if (over) return;
    late.cancel();
    readiness.set('state-folder', !written);
    // Nothing may come to be written while no new work comes. The next write that fails says so.
    if (written) readiness.set('output-files', false);
    timer = clock.setTimer(STATE_LOOK_MS, () => void look());
  };
  timer = clock.setTimer(STATE_LOOK_MS, () => void look());
  return () => {
    over = true;
    timer?.cancel();
    late?.cancel();
  };
}

async function writeOnce(folder: string): Promise<void> {
  const handle = await openNameless(folder);
  try {
    await handle.writeFile(PROBE);
  } finally {
    await handle.close();
  }
}

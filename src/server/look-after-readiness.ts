import type { Clock, Timer } from '../clock.ts';
import { MEMORY_LOOK_MS, STATE_LOOK_MS, STATE_WRITE_MS } from '../limits.ts';
import { LEAST_BYTES, openNameless } from '../nameless-file.ts';
import { followMark, type HighWater } from './high-water.ts';
import type { Readiness } from './readiness.ts';

/** What is looked at from time to time. */
export interface LookAfterOptions {
  readonly readiness: Readiness;
  /** The time of the machine. Its timers keep no program from ending. */
  readonly clock: Clock;
  readonly highWater: HighWater;
  /** Undefined: there is none. */
  readonly stateFolder: string | undefined;
}

const PROBE = Buffer.alloc(LEAST_BYTES);

/** How what is looked at is changed, and how that ends. */
export interface LookedAfter {
  /** Other marks count from now on. */
  replace(highWater: HighWater): void;
  close(): void;
}

/** Looks from time to time at what readiness depends on and nobody tells of. */
export function lookAfterReadiness(options: LookAfterOptions): LookedAfter {
  const memory = lookAtMemory(options);
  const endOfFolder = lookAtStateFolder(options);
  return {
    replace: ({ memoryBytes }) => memory.replace(memoryBytes),
    close() {
      memory.end();
      endOfFolder();
    },
  };
}

/** It is looked at only while there is a mark. */
function lookAtMemory({ clock, highWater, readiness }: LookAfterOptions) {
  const mark = followMark(readiness, 'memory', Number.POSITIVE_INFINITY);
  let timer: Timer | undefined;
  const look = (): void => {
    mark.tell(process.memoryUsage.rss());
    timer = clock.setTimer(MEMORY_LOOK_MS, look);
  };
  const replace = (bytes: number | undefined): void => {
    timer?.cancel();
    mark.replace(bytes ?? Number.POSITIVE_INFINITY);
    if (bytes !== undefined) look();
  };
  replace(highWater.memoryBytes);
  return { replace, end: () => timer?.cancel() };
}

/**
 * Writes a small file now and then, not at the start: the folder was just made use of. There is
 * one write at a time: one that does not come back, on a mount that hangs, is a reason from some
 * seconds on.
 */
function lookAtStateFolder({ clock, readiness, stateFolder }: LookAfterOptions): () => void {
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

async function writeProbe(folder: string): Promise<void> {
  const handle = await openNameless(folder);
  try {
    await handle.writeFile(PROBE);
  } finally {
    await handle.close();
  }
}

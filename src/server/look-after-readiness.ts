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

/**
 * Looks from time to time at what readiness depends on and nobody tells of. Returns how it is
 * ended.
 */
export function lookAfterReadiness(options: LookAfterOptions): () => void {
  const ends = [lookAtMemory(options), lookAtStateFolder(options)];
  return () => {
    for (const end of ends) end();
  };
}

function lookAtMemory({ clock, highWater, readiness }: LookAfterOptions): () => void {
  const { memoryBytes } = highWater;
  if (memoryBytes === undefined) return () => {};
  const follow = followMark(readiness, 'memory', memoryBytes);
  let timer: Timer | undefined;
  const look = (): void => {
    follow(process.memoryUsage.rss());
    timer = clock.setTimer(MEMORY_LOOK_MS, look);
  };
  look();
  return () => timer?.cancel();
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

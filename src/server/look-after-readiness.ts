import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '../clock.ts';
import { MEMORY_LOOK_MS, STATE_LOOK_MS, STATE_WRITE_MS } from '../limits.ts';
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

/** As much as a file system gives at the least: so that a full disk is noticed. */
const PROBE = Buffer.alloc(4096);

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
 * Writes a small file now and then, and removes it. There is one write at a time: one that does
 * not come back, on a mount that hangs, is a reason from some seconds on.
 */
function lookAtStateFolder({ clock, readiness, stateFolder }: LookAfterOptions): () => void {
  if (stateFolder === undefined) return () => {};
  const file = join(stateFolder, `.writable-${process.pid}`);
  let over = false;
  let timer: Timer | undefined;
  const look = async (): Promise<void> => {
    const late = clock.setTimer(STATE_WRITE_MS, () => readiness.set('state-folder', true));
    const written = await writeProbe(file).then(
      () => true,
      () => false,
    );
    late.cancel();
    if (over) return;
    readiness.set('state-folder', !written);
    timer = clock.setTimer(STATE_LOOK_MS, () => void look());
  };
  void look();
  return () => {
    over = true;
    timer?.cancel();
  };
}

async function writeProbe(file: string): Promise<void> {
  try {
    const handle = await open(file, 'w', 0o600);
    try {
      await handle.writeFile(PROBE);
    } finally {
      await handle.close();
    }
  } finally {
    await rm(file, { force: true });
  }
}

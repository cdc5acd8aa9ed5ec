import { setImmediate as nextTurn, setTimeout as passed } from 'node:timers/promises';

/**
 * Whether something holds within so many beats of the event loop, each of at least a millisecond.
 * Where all that has to happen does so in this process, a machine that is busy makes the beats
 * longer, and no difference: so a bound of 100 ms is one of 100 beats.
 */
export async function holdsWithin(beats: number, holds: () => boolean): Promise<boolean> {
  for (let beat = 0; beat < beats && !holds(); beat += 1) {
    await passed(1);
    await nextTurn();
  }
  return holds();
}

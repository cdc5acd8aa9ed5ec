import type { Clock } from '../clock.ts';

/**
 * The messages of a source, and one that says nothing wherever there was none for so long. The
 * source is asked for the next only when the one before was taken; it is returned from at the end.
 */
export async function* withHeartbeats<T, H>(
  source: AsyncGenerator<T>,
  heartbeat: H,
  heartbeatMs: number,
  clock: Clock,
): AsyncGenerator<T | H> {
  let next: Promise<IteratorResult<T>> | undefined;
  try {
    for (;;) {
      next ??= source.next();
      const found = await firstOf(next, heartbeatMs, clock);
      if (found === undefined) {
        yield heartbeat;
        continue;
      }
      next = undefined;
      if (found.done) return;
      yield found.value;
    }
  } finally {
    // One that is at work ends when it is done with that; nobody waits for it.
    next?.catch(() => {});
    void source.return(undefined).catch(() => {});
  }
}

/** What comes first: undefined is the time. */
function firstOf<T>(next: Promise<T>, ms: number, clock: Clock): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(ms, () => resolve(undefined));
    next.then(resolve, reject).finally(() => timer.cancel());
  });
}

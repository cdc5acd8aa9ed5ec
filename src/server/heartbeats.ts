import type { Clock, Timer } from '../clock.ts';

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
  const silence = new Silence(heartbeatMs, clock);
  let next: Promise<IteratorResult<T>> | undefined;
  try {
    for (;;) {
      next ??= source.next();
      const found = await silence.before(next);
      if (found === undefined) {
        yield heartbeat;
        continue;
      }
      next = undefined;
      if (found.done) return;
      yield found.value;
    }
  } finally {
    silence.end();
    // One that is at work ends when it is done with that; nobody waits for it.
    next?.catch(() => {});
    void source.return(undefined).catch(() => {});
  }
}

/** Tells how long nothing came, with one timer that is not set anew for every message. */
class Silence {
  readonly #ms: number;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #since = 0;
  #tell: () => void = () => {};

  constructor(ms: number, clock: Clock) {
    this.#ms = ms;
    this.#clock = clock;
  }

  /** What comes, or undefined where nothing did for so long. Asked for one at a time. */
  before<T>(next: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#since = this.#clock.monotonic();
      this.#tell = () => resolve(undefined);
      this.#timer ??= this.#clock.setTimer(this.#ms, () => this.#look());
      next.then(resolve, reject);
    });
  }

  end(): void {
    this.#timer?.cancel();
  }

  /** It is over, or goes on for the rest of a silence that began when something had come. */
  #look(): void {
    const leftMs = this.#ms - (this.#clock.monotonic() - this.#since);
    this.#timer = leftMs > 0 ? this.#clock.setTimer(leftMs, () => this.#look()) : undefined;
    if (leftMs <= 0) this.#tell();
  }
}

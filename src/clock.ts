/** A timer that was set. */
export interface Timer {
  /** Ends it; does nothing if it fired or was cancelled. */
  cancel(): void;
}

/** Time, passed in wherever it matters so that tests need not sleep. */
export interface Clock {
  /** Milliseconds since 1970, as `Date.now()` has it: for what people read. */
  now(): number;
  /** Milliseconds since some moment, which no setting of the time of day changes: for spans. */
  monotonic(): number;
  /** Calls back once, `delayMs` milliseconds from now or a little later. */
  setTimer(delayMs: number, callback: () => void): Timer;
}

/** The time of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delayMs, callback) {
    const timeout = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timeout) };
  },
};

/** The same, whose timers keep no program from ending. */
export const idleClock: Clock = {
  ...systemClock,
  setTimer(delayMs, callback) {
    const timeout = setTimeout(callback, delayMs).unref();
    return { cancel: () => clearTimeout(timeout) };
  },
};

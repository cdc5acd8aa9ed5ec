import type { Clock, Timer } from '../clock.ts';

/** How much memory calls may have. */
export interface CallMemoryOptions {
  /** Bytes of all calls together. One connection has half of them at most. */
  readonly maxBytes: number;
  /**
   * Bytes that a connection may hold whatever others do, so that nobody is stopped by them.
   */
  readonly assuredBytes: number;
  /** How long one may wait for some of them, in milliseconds, before it is refused. */
  readonly maxWaitMs: number;
  readonly clock: Clock;
}

/** Somebody who waits for memory. */
interface Waiter {
  readonly bytes: number;
  readonly settle: (taken: boolean) => void;
  readonly timer: Timer | undefined;
}

/**
 * The memory that calls hold, over all connections: what was received and is not done with,
 * and what was answered and is not sent. Where it is used up, connections wait for it in turn.
 */
export class CallMemory {
  readonly options: CallMemoryOptions;
  heldBytes = 0;
  /** Those with somebody who waits, and who is not held up by what they hold themselves. */
  readonly #waiting = new Set<ConnectionMemory>();

  constructor(options: CallMemoryOptions) {
    this.options = options;
  }

  /** The share of a connection. */
  connect(): ConnectionMemory {
    return new ConnectionMemory(this);
  }

  /** A connection has somebody who waits, or who may go on now. */
  wake(connection: ConnectionMemory): void {
    // What it is assured of does not depend on others.
    let outcome = connection.serve();
    while (outcome === 'more') outcome = connection.serve();
    if (outcome === 'no-room') this.#waiting.add(connection);
    else this.#waiting.delete(connection);
    // Each turn serves somebody, or ends.
    for (const next of this.#waiting) {
      const turn = next.serve();
      if (turn === 'no-room') return;
      this.#waiting.delete(next);
      if (turn === 'more') this.#waiting.add(next);
    }
  }
}

/** The memory that the calls of one connection hold. */
export class ConnectionMemory {
  readonly #memory: CallMemory;
  #heldBytes = 0;
  readonly #waiters: Set<Waiter> = new Set();

  constructor(memory: CallMemory) {
    this.#memory = memory;
  }

  /** Takes memory if there is some, and nobody was here before. */
  tryTake(bytes: number): boolean {
    if (this.blocks(bytes)) return false;
    this.hold(bytes);
    return true;
  }

  /**
   * Waits for memory and takes it; resolves to false if that takes too long, where there is a
   * bound, or `giveUp` was called.
   */
  take(bytes: number, bounded: boolean): { taken: Promise<boolean>; giveUp: () => void } {
    let giveUp = (): void => {};
    const taken = new Promise<boolean>((resolve) => {
      const { clock, maxWaitMs } = this.#memory.options;
      const settle = (outcome: boolean): void => {
        if (!this.#waiters.delete(waiter)) return;
        waiter.timer?.cancel();
        resolve(outcome);
      };
      giveUp = () => settle(false);
      const timer = bounded ? clock.setTimer(maxWaitMs, giveUp) : undefined;
      const waiter: Waiter = { bytes, settle, timer };
      this.#waiters.add(waiter);
      this.#memory.wake(this);
    });
    return { taken, giveUp };
  }

  /** Whether so much would have to be waited for. */
  blocks(bytes: number): boolean {
    return this.#waiters.size > 0 || !this.#fits(bytes);
  }

  /** Takes memory that is in use already, whether there is some or not. */
  hold(bytes: number): void {
    this.#heldBytes += bytes;
    this.#memory.heldBytes += bytes;
  }

  /** Gives memory back. */
  give(bytes: number): void {
    this.#heldBytes -= bytes;
    this.#memory.heldBytes -= bytes;
    this.#memory.wake(this);
  }

  /** Serves the first that waits here: whether there are more, none that may have any, or no room. */
  serve(): 'more' | 'done' | 'no-room' {
    const [first] = this.#waiters;
    if (first === undefined) return 'done';
    if (!this.#fits(first.bytes)) return this.#mayHold(first.bytes) ? 'no-room' : 'done';
    this.hold(first.bytes);
    first.settle(true);
    return 'more';
  }

  #fits(bytes: number): boolean {
    const { assuredBytes, maxBytes } = this.#memory.options;
    if (this.#heldBytes + bytes <= assuredBytes) return true;
    return this.#mayHold(bytes) && this.#memory.heldBytes + bytes <= maxBytes;
  }

  #mayHold(bytes: number): boolean {
    return this.#heldBytes + bytes <= this.#memory.options.maxBytes / 2;
  }
}

/** The memory that one call holds. All of it is given back when the call is gone. */
export class CallHold {
  readonly #connection: ConnectionMemory;
  #heldBytes = 0;
  #over = false;
  readonly #waiting = new Set<() => void>();

  constructor(connection: ConnectionMemory) {
    this.#connection = connection;
  }

  /** Whether so much would have to be waited for. */
  blocks(bytes: number): boolean {
    return !this.#over && this.#connection.blocks(bytes);
  }

  /** Takes memory if there is some. Of a call that is gone, nothing is counted any more. */
  tryTake(bytes: number): boolean {
    if (this.#over) return true;
    if (!this.#connection.tryTake(bytes)) return false;
    this.#heldBytes += bytes;
    return true;
  }

  /** Does so when there is some; resolves to false if that took too long or the call is gone. */
  async take(bytes: number, bounded: boolean): Promise<boolean> {
    if (this.#over) return false;
    const { giveUp, taken } = this.#connection.take(bytes, bounded);
    this.#waiting.add(giveUp);
    const outcome = await taken;
    this.#waiting.delete(giveUp);
    if (!outcome) return false;
    if (this.#over) {
      this.#connection.give(bytes);
      return false;
    }
    this.#heldBytes += bytes;
    return true;
  }

  /** Counts memory that is in use already. */
  hold(bytes: number): void {
    if (this.#over) return;
    this.#heldBytes += bytes;
    this.#connection.hold(bytes);
  }

  /** Gives back some of what it holds. */
  give(bytes: number): void {
    if (this.#over || bytes === 0) return;
    this.#heldBytes -= bytes;
    this.#connection.give(bytes);
  }

  /** The call is gone. Idempotent. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    for (const giveUp of this.#waiting) giveUp();
    if (this.#heldBytes > 0) this.#connection.give(this.#heldBytes);
  }
}

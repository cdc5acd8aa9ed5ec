import type { Clock, Timer } from '../../clock.ts';
import { limitExceeded, RunletError } from '../../errors.ts';
import { Latch } from '../../latch.ts';
import {
  FILES_CLOSE_MS,
  IDLE_WORKER_MS,
  MAX_FILE_WORKERS,
  MAX_PRINCIPAL_FILE_OPERATIONS,
  MAX_STUCK_WORKERS,
} from '../../limits.ts';
import { Tally } from '../../policy/tally.ts';
import { type Asker, TurnQueue } from '../../turn-queue.ts';
import { within } from '../../within.ts';
import type { AgentOptions } from '../agent/agent.ts';
import type {
  OperationArgs,
  OperationInput,
  OperationName,
  OperationPiece,
  OperationResult,
} from '../agent/operations.ts';
import { Seat } from './seat.ts';
import { isTooMuch } from './shares.ts';
import { type Beginning, Task } from './task.ts';

/** What threads for files are made with. */
export interface FileWorkersOptions {
  readonly agent: AgentOptions;
  readonly clock: Clock;
  /** A fault of ours, or the end of a thread. */
  readonly onError: (error: unknown) => void;
}

/**
 * Does operations on files in threads of their own, so that neither the event loop nor what the
 * pool of libuv does waits for a file system. There are none before they are needed. One whose
 * operation hangs is left alone, and another takes its place, up to a bound.
 */
export class FileWorkers {
  readonly #options: FileWorkersOptions;
  readonly #seats = new Set<Seat>();
  readonly #waiting = new TurnQueue<Beginning>();
  #count = 0;
  /** Operations of each principal that were let in and are not over. */
  readonly #underWay = new Tally();
  /** What waits, but not for a thread: see isHeld. */
  readonly #held: Beginning[] = [];
  #idle: Timer | undefined;
  #closed = false;
  /** Open when it is closed and no operation is under way any more. */
  readonly #left = new Latch();

  constructor(options: FileWorkersOptions) {
    this.#options = options;
  }

  /** Threads that there are. */
  get size(): number {
    return this.#seats.size;
  }

  /**
   * Does an operation to its end, whatever pieces it yields.
   *
   * @throws RunletError what it failed with; the signal's reason when that aborts
   */
  async run<K extends OperationName>(
    asker: Asker,
    operation: K,
    args: OperationArgs<K>,
    signal?: AbortSignal,
  ): Promise<OperationResult<K>> {
    const task = this.begin(asker, operation, args);
    const onAbort = (): void => task.close();
    signal?.addEventListener('abort', onAbort);
    try {
      for (;;) {
        signal?.throwIfAborted();
        // To its end also where nobody waits any more: whoever repeats it has to know what came of it.
        const step = await task.next();
        if (step.done) return step.result;
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
      task.close();
    }
  }

  /** Begins an operation that is done step by step. It must be closed in the end. */
  begin<K extends OperationName>(
    asker: Asker,
    operation: K,
    args: OperationArgs<K>,
  ): Task<OperationPiece<K>, OperationResult<K>, OperationInput<K>> {
    return new Task({
      operation,
      args,
      asker,
      onError: this.#options.onError,
      enter: (beginning) => this.#enter(beginning),
      leave: (seat) => this.#leave(asker, seat),
    });
  }

  /**
   * Ends all threads when they have freed what operations held that were given up; one that hangs
   * goes on until the system answers.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#idle?.cancel();
    this.#failAll(new RunletError('DRAINING'));
    this.#lookWhetherLeft();
    await within(this.#left.wait(), this.#options.clock, FILES_CLOSE_MS);
    for (const seat of this.#seats) seat.close();
  }

  /** Lets an operation begin when it is its turn, or says why not. */
  #enter(beginning: Beginning): Error | undefined {
    const { asker } = beginning;
    const refusal = this.#closed ? new RunletError('DRAINING') : this.#refusal(asker);
    if (refusal !== undefined) return refusal;
    if (this.#underWay.of(asker.principal) >= MAX_PRINCIPAL_FILE_OPERATIONS) {
      return limitExceeded('max_principal_file_operations', MAX_PRINCIPAL_FILE_OPERATIONS);
    }
    this.#underWay.add(asker.principal, 1);
    this.#waiting.push(beginning.asker, beginning);
    this.#count += 1;
    this.#pump();
    return undefined;
  }

  #leave({ principal }: Asker, seat: Seat | undefined): void {
    this.#underWay.remove(principal, 1);
    if (seat === undefined) return;
    seat.residents -= 1;
    this.#watchIdle();
    this.#lookWhetherLeft();
  }

  #lookWhetherLeft(): void {
    if (!this.#closed) return;
    if ([...this.#seats].every(({ residents }) => residents === 0)) this.#left.open();
  }

  /** What hardly comes back any more, and is more than this one may have of that. */
  #refusal(asker: Asker): Error | undefined {
    const stuck = [...this.#seats].filter((seat) => seat.isStuck);
    if (!isTooMuch(stuck, asker)) return undefined;
    return limitExceeded('max_stuck_file_operations', MAX_STUCK_WORKERS);
  }

  #pump(): void {
    while (this.#count > 0) {
      const seat = this.#freeSeat();
      if (seat === undefined) return;
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#count -= 1;
      if (next.givenUp()) continue;
      if (this.#isHeld(next.asker)) {
        this.#held.push(next);
        continue;
      }
      seat.residents += 1;
      next.begin(seat);
    }
  }

  /** So many of the one who asks hang that it is to wait until they come back, or hardly do any more. */
  #isHeld(asker: Asker): boolean {
    return isTooMuch(
      [...this.#seats].filter((seat) => seat.hangs),
      asker,
    );
  }

  #release(): void {
    for (const beginning of this.#held.splice(0)) {
      this.#waiting.push(beginning.asker, beginning);
      this.#count += 1;
    }
  }

  /** That with the fewest operations under way of those that can begin one at once. */
  #freeSeat(): Seat | undefined {
    const healthy = [...this.#seats].filter((seat) => !seat.hangs);
    const free = healthy.filter((seat) => seat.idle);
    free.sort((a, b) => a.residents - b.residents);
    const [best] = free;
    if (best?.residents === 0) return best;
    const mayOpen =
      healthy.length < MAX_FILE_WORKERS && this.#seats.size < MAX_FILE_WORKERS + MAX_STUCK_WORKERS;
    return mayOpen ? (this.#open() ?? best) : best;
  }

  /** A thread more. Undefined: the system has none for us. */
  #open(): Seat | undefined {
    const { agent, clock, onError } = this.#options;
    try {
      const seat = new Seat({ agent, clock, onChange: (changed) => this.#changed(changed) });
      this.#seats.add(seat);
      return seat;
    } catch (error) {
      onError(error);
      // Nothing will come that could wake those who wait.
      if (this.#seats.size === 0) this.#failAll(new RunletError('INTERNAL', { cause: error }));
      return undefined;
    }
  }

  #failAll(error: Error): void {
    this.#release();
    this.#count = 0;
    for (const { fail } of this.#waiting.clear()) fail(error);
  }

  #changed(seat: Seat): void {
    if (seat.over) this.#seats.delete(seat);
    if (this.#closed) return;
    this.#release();
    if (seat.isStuck) this.#refuse();
    this.#pump();
    this.#watchIdle();
  }

  /** Those who wait, and for whom there will hardly be a thread. */
  #refuse(): void {
    const waiting = this.#waiting.clear();
    this.#count = 0;
    for (const beginning of waiting) {
      if (beginning.givenUp()) continue;
      const refusal = this.#refusal(beginning.asker);
      if (refusal !== undefined) {
        beginning.fail(refusal);
        continue;
      }
      this.#waiting.push(beginning.asker, beginning);
      this.#count += 1;
    }
  }

  /** Threads that have nothing to do end after a while. */
  #watchIdle(): void {
    if (this.#closed) return;
    this.#idle ??= this.#options.clock.setTimer(IDLE_WORKER_MS, () => {
      this.#idle = undefined;
      const before = this.#seats.size;
      for (const seat of this.#seats) {
        if (seat.residents === 0 && seat.idle) seat.close();
      }
      if (this.#seats.size > 0 && before > 0) this.#watchIdle();
    });
  }
}

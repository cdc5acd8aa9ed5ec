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
import type {
  OperationArgs,
  OperationInput,
  OperationName,
  OperationPiece,
  OperationResult,
} from '../agent/operations.ts';
import { type FileOperations, runToEnd } from './file-operations.ts';
import { Seat } from './seat.ts';
import type { OpenLink } from './seat-link.ts';
import { isTooMuch } from './shares.ts';
import { type Beginning, Task } from './task.ts';

/** How many there are at most of what does operations. */
export interface SeatCounts {
  /** Those that answer. */
  readonly healthy: number;
  /** Those that do not, beside them. */
  readonly hanging: number;
}

/** What threads for files are made with. */
export interface FileWorkersOptions {
  /** Opens what does operations: a thread, or a process. */
  readonly open: OpenLink;
  /** Default: as many as there may be threads. */
  readonly counts?: SeatCounts;
  /** Milliseconds after which those end that have nothing to do. Default: {@link IDLE_WORKER_MS}. */
  readonly idleMs?: number;
  /** Operations of each principal that are under way. Default: none others count but those here. */
  readonly underWay?: Tally;
  /** There are none any more, and nothing waits for one. */
  readonly onEmpty?: () => void;
  readonly clock: Clock;
  /** A fault of ours, or the end of a thread. */
  readonly onError: (error: unknown) => void;
}

const THREADS: SeatCounts = { healthy: MAX_FILE_WORKERS, hanging: MAX_STUCK_WORKERS };

/**
 * Does operations on files in threads of their own, so that neither the event loop nor what the
 * pool of libuv does waits for a file system. There are none before they are needed. One whose
 * operation hangs is left alone, and another takes its place, up to a bound.
 */
export class FileWorkers implements FileOperations {
  readonly #options: FileWorkersOptions;
  readonly #seats = new Set<Seat>();
  readonly #waiting = new TurnQueue<Beginning>();
  #count = 0;
  readonly #counts: SeatCounts;
  /** Operations of each principal that were let in and are not over. */
  readonly #underWay: Tally;
  /** Those who want that none ends that has nothing to do. */
  #keepers = 0;
  /** What waits, but not for a thread: see isHeld. */
  readonly #held: Beginning[] = [];
  #idle: Timer | undefined;
  #lastUsed = 0;
  #closed = false;
  /** Open when it is closed and no operation is under way any more. */
  readonly #left = new Latch();

  constructor(options: FileWorkersOptions) {
    this.#options = options;
    this.#counts = options.counts ?? THREADS;
    this.#underWay = options.underWay ?? new Tally();
  }

  /** Threads that there are. */
  get size(): number {
    return this.#seats.size;
  }

  run<K extends OperationName>(
    asker: Asker,
    operation: K,
    args: OperationArgs<K>,
    signal?: AbortSignal,
  ): Promise<OperationResult<K>> {
    return runToEnd(this.begin(asker, operation, args), signal);
  }

  /** @param onOver called once when it is over, or never began: what it was given is not used any more */
  begin<K extends OperationName>(
    asker: Asker,
    operation: K,
    args: OperationArgs<K>,
    onOver?: () => void,
  ): Task<OperationPiece<K>, OperationResult<K>, OperationInput<K>> {
    return new Task({
      operation,
      args,
      asker,
      onError: this.#options.onError,
      enter: (beginning) => this.#enter(beginning),
      leave: (seat) => this.#leave(asker, seat),
      onOver,
    });
  }

  /** Ends those that have nothing to do, though it was not long. @returns whether there were any */
  closeIdle(): boolean {
    if (this.#keepers > 0) return false;
    const idle = [...this.#seats].filter((seat) => seat.residents === 0 && seat.idle);
    for (const seat of idle) seat.close();
    return idle.length > 0;
  }

  keep(): () => void {
    let isKept = true;
    this.#keepers += 1;
    return () => {
      if (!isKept) return;
      isKept = false;
      this.#keepers -= 1;
      this.#watchIdle();
    };
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
    if (refusal !== undefined) return this.#refused(refusal);
    if (this.#underWay.of(asker.principal) >= MAX_PRINCIPAL_FILE_OPERATIONS) {
      const maximum = MAX_PRINCIPAL_FILE_OPERATIONS;
      return this.#refused(limitExceeded('max_principal_file_operations', maximum));
    }
    this.#underWay.add(asker.principal, 1);
    this.#waiting.push(beginning.asker, beginning);
    this.#count += 1;
    this.#pump();
    return undefined;
  }

  #leave({ principal }: Asker, seat: Seat | undefined): void {
    this.#underWay.remove(principal, 1);
    if (seat === undefined) {
      this.#lookWhetherEmpty();
      return;
    }
    seat.residents -= 1;
    this.#lastUsed = this.#options.clock.monotonic();
    this.#watchIdle();
    this.#lookWhetherLeft();
  }

  #refused(refusal: Error): Error {
    this.#lookWhetherEmpty();
    return refusal;
  }

  #lookWhetherEmpty(): void {
    if (this.#seats.size === 0 && this.#count === 0) this.#options.onEmpty?.();
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
      healthy.length < this.#counts.healthy &&
      this.#seats.size < this.#counts.healthy + this.#counts.hanging;
    return mayOpen ? (this.#open() ?? best) : best;
  }

  /** A thread more. Undefined: the system has none for us. */
  #open(): Seat | undefined {
    const { clock, onError, open } = this.#options;
    try {
      const seat = new Seat({ open, clock, onChange: (changed) => this.#changed(changed) });
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
    this.#lookWhetherEmpty();
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
    const { clock, idleMs = IDLE_WORKER_MS } = this.#options;
    this.#idle ??= clock.setTimer(idleMs, () => {
      this.#idle = undefined;
      const before = this.#seats.size;
      if (clock.monotonic() - this.#lastUsed >= idleMs) this.closeIdle();
      if (this.#seats.size > 0 && before > 0) this.#watchIdle();
    });
  }
}

import type { Clock, Timer } from '../clock.ts';
import { type Meter, NO_METER } from '../telemetry/meter.ts';
import { Loans } from './loans.ts';
import { DEFAULT_TIER_SIZES, type TierSizes } from './log-sizes.ts';
import { LENT_PART, SPOOL_RETRY_MS, WOKEN_AT_ONCE } from './sizes.ts';
import type { Spool } from './spool/spool.ts';
import type { SpoolLog } from './spool/spool-log.ts';
import {
  type Pressure,
  type PressureLevel,
  type Relief,
  type Sharing,
  type Standing,
  StoreLedger,
} from './store-ledger.ts';
import { WaitingLogs } from './waiting-logs.ts';

/**
 * A log as the store sees it. What the store asks it to do it does at once, and tells
 * nobody: the store looks at where it stands then.
 */
export interface StoredLog {
  /** The name of whoever it belongs to: that one's share of the budgets is used first. */
  readonly owner: string;
  /** What it holds now. */
  standing(): Standing;
  /** Does what was decided: see {@link Relief}. */
  relieve(action: Relief<unknown>['action']): void;
  /** What it was told of {@link OutputStore.pressureFor} may have changed. */
  pressureChanged(): void;
}

/** How a store is made. */
export interface OutputStoreOptions {
  readonly clock: Clock;
  /** Bytes of output in memory that all logs may have together. */
  readonly memoryBytes: number;
  /** Bytes of files that all logs may have together. */
  readonly diskBytes: number;
  /** What each owner of logs may have of these, by its name. Default: everything. */
  readonly shareOf?: Sharing<StoredLog>['shareOf'];
  /** Where older output goes; undefined: it stays in memory. */
  readonly spool: Spool | undefined;
  /** Other sizes of the tiers than {@link DEFAULT_TIER_SIZES}. */
  readonly sizes?: Partial<TierSizes>;
  /** Counts what comes of output. Default: nobody does. */
  readonly meter?: Meter | undefined;
  /** Told when the spool fails, and when it works again. */
  readonly onProblem?: (problem: StoreProblem) => void;
  /** Told of each block that could not be written. Default: nobody is. */
  readonly onWriteFailed?: () => void;
}

/** What an operator should know of the store. */
export type StoreProblem =
  | { readonly kind: 'spool-failed'; readonly error: unknown }
  | { readonly kind: 'spool-recovered' };

/**
 * What all logs of a server share: a budget of memory and one of disk. What has to go where
 * one is used up is decided by a {@link StoreLedger}; here it is done. Logs say when they
 * hold more or less, and are asked to give; none of them is called by another.
 */
export class OutputStore {
  readonly clock: Clock;
  readonly sizes: TierSizes;
  /** Memory that readers have. */
  readonly loans: Loans;
  readonly meter: Meter;
  readonly #spool: Spool | undefined;
  readonly #onProblem: (problem: StoreProblem) => void;
  readonly #onWriteFailed: () => void;
  readonly #ledger: StoreLedger<StoredLog>;
  /** Those that asked while there was pressure. */
  readonly #waiting = new WaitingLogs<StoredLog>();
  #tells = false;
  /** How pressed all are, and each owner that is. */
  #pressure: PressureLevel = 0;
  readonly #pressures = new Map<string, PressureLevel>();
  /** Set while there is pressure because files fail. */
  #retry: Timer | undefined;
  #failing = false;

  constructor(options: OutputStoreOptions) {
    const { diskBytes, memoryBytes, shareOf, spool } = options;
    this.clock = options.clock;
    this.meter = options.meter ?? NO_METER;
    this.sizes = { ...DEFAULT_TIER_SIZES, ...options.sizes };
    this.loans = new Loans(LENT_PART * memoryBytes);
    this.#spool = spool;
    this.#onProblem = options.onProblem ?? (() => {});
    this.#onWriteFailed = options.onWriteFailed ?? (() => {});
    const budgets = { memoryBytes, diskBytes, hasFiles: spool !== undefined };
    this.#ledger = new StoreLedger(budgets, {
      ownerOf: (log) => log.owner,
      shareOf: shareOf ?? (() => budgets),
    });
  }

  /** Bytes of memory that the output of all logs has. */
  get memory(): number {
    return this.#ledger.memory;
  }

  /** Those of them that are being written to files. */
  get writing(): number {
    return this.#ledger.writing;
  }

  /** Bytes of memory, of what is known of output that is not there. */
  get index(): number {
    return this.#ledger.index;
  }

  /** Bytes of files that all logs have. */
  get disk(): number {
    return this.#spool?.bytes ?? 0;
  }

  /** How much too full it is for a log. One that asks while it is will be told of a change. */
  pressureFor(log: StoredLog): Pressure {
    const pressure = this.#ledger.pressureFor(log);
    if (pressure !== 'none') this.#waiting.add(log.owner, log);
    return pressure;
  }

  /** Whether there is room for a block that a log would write. */
  maySpill(log: StoredLog): boolean {
    return this.#ledger.maySpill(log);
  }

  /** The files of a process; undefined: there are none. */
  openFiles(name: string): SpoolLog | undefined {
    return this.#spool?.openLog({ processId: name });
  }

  /** A log is new, holds more or less than before, or is needed by others. */
  changed(log: StoredLog): void {
    this.#ledger.update(log, log.standing(), this.clock.monotonic());
    this.#relieve(log.owner);
  }

  /** A log is gone: it holds nothing any more. */
  remove(log: StoredLog): void {
    this.#waiting.remove(log.owner, log);
    this.#ledger.remove(log);
    this.#relieve(log.owner);
  }

  /** A block was written. */
  worked(): void {
    if (this.#failing) this.#onProblem({ kind: 'spool-recovered' });
    this.#failing = false;
  }

  /** A block could not be written, or not read. */
  failed(error: unknown, what: 'read' | 'write'): void {
    this.meter.spoolFailed();
    if (what === 'write') this.#onWriteFailed();
    if (!this.#failing) this.#onProblem({ kind: 'spool-failed', error });
    this.#failing = true;
  }

  /** `changed`: whose logs are others than before. Default: nobody's. */
  #relieve(changed?: string): void {
    const ledger = this.#ledger;
    const now = this.clock.monotonic();
    ledger.copied = this.loans.copied;
    ledger.wake(now);
    const owners = new Set(changed === undefined ? [] : [changed]);
    for (let relief = ledger.next(); relief !== undefined; relief = ledger.next()) {
      relief.log.relieve(relief.action);
      ledger.update(relief.log, relief.log.standing(), now);
      owners.add(relief.log.owner);
    }
    for (const owner of owners) this.#lookAt(owner);
    const { pressure } = ledger;
    if (pressure < this.#pressure) this.#waiting.tellAll();
    this.#pressure = pressure;
    this.#retryLater();
    this.#tell();
  }

  /** Whether an owner is less pressed than it was. */
  #lookAt(owner: string): void {
    const pressure = this.#ledger.pressureOf(owner);
    if (pressure < (this.#pressures.get(owner) ?? 0)) this.#waiting.tell(owner);
    if (pressure === 0) this.#pressures.delete(owner);
    else this.#pressures.set(owner, pressure);
  }

  /** All who would try the files again may be waiting for just that. */
  #retryLater(): void {
    const isPressed = this.#pressure > 0 || this.#pressures.size > 0;
    if (!isPressed || !this.#failing) {
      this.#retry?.cancel();
      this.#retry = undefined;
      return;
    }
    this.#retry ??= this.clock.setTimer(SPOOL_RETRY_MS, () => {
      this.#retry = undefined;
      this.#relieve();
    });
  }

  /** Tells some, and others in later turns of the event loop: there may be thousands. */
  #tell(): void {
    if (!this.#waiting.hasToTell || this.#tells) return;
    for (const log of this.#waiting.take(WOKEN_AT_ONCE)) log.pressureChanged();
    if (!this.#waiting.hasToTell || this.#tells) return;
    this.#tells = true;
    setImmediate(() => {
      this.#tells = false;
      this.#tell();
    });
  }
}

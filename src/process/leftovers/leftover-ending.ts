import type { Clock, Timer } from '../../clock.ts';
import { HELD_RECORD_POLL_MS, HELD_RECORD_WAIT_MS, UNKNOWN_RECORD_KEEP_MS } from '../../limits.ts';
import type { Marking } from '../launcher.ts';
import { hasOwnProc } from '../own-proc.ts';
import { TreeEnding } from '../tree-ending.ts';
import { LeftoverTree } from './leftover-tree.ts';
import { type DeadRecord, type FoundRecord, findRecord } from './record-file.ts';
import { bootId, pidNamespace, type ServerRecord } from './server-record.ts';

/** What a server may have left. */
export interface Estate {
  /** The path of its record, which need not be there. */
  readonly record: string;
  /** Removes the rest of it, once nothing runs any more. Default: there is nothing else. */
  readonly discard?: () => Promise<void>;
}

/** Told of what is found; a logger. */
export interface LeftoverLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

/** How leftovers are ended. */
export interface LeftoverEndingOptions {
  /** Undefined: processes cannot be told apart here. */
  readonly marking: Marking | undefined;
  readonly clock: Clock;
  readonly log: LeftoverLog;
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly graceMs: number;
}

/**
 * Ends what servers left that were killed: for each whose record says that it is gone, its
 * processes, then what else there is of it. What cannot be known is left alone, and said.
 */
export class LeftoverEnding {
  readonly #options: LeftoverEndingOptions;
  readonly #endings = new Set<TreeEnding>();
  /** Servers that run. */
  readonly #living = new Set<number>();
  #graceMs: number;
  /** Set when nobody wants to wait for what others hold. */
  #hurried = false;
  /** Those that wait for what others hold. */
  readonly #waiting = new Set<() => void>();

  constructor(options: LeftoverEndingOptions) {
    this.#options = options;
    this.#graceMs = options.graceMs;
  }

  /** Does it. Never rejects. */
  async end(estates: readonly Estate[]): Promise<void> {
    const { log } = this.#options;
    const found = estates.flatMap((estate) => {
      try {
        return [{ estate, look: this.#find(estate) }];
      } catch (err) {
        log.warn({ err, record: estate.record }, 'the record of a server cannot be read');
        return [];
      }
    });
    await Promise.all(
      found.map(async ({ estate, look }) => {
        try {
          await this.#settle(estate, look);
        } catch (err) {
          log.warn({ err, record: estate.record }, 'what a server left cannot be ended');
        }
      }),
    );
  }

  /** Lets the grace end `graceMs` from now, if that is earlier, and waits for nobody else. */
  shorten(graceMs: number): void {
    this.#hurried = true;
    this.#graceMs = Math.min(this.#graceMs, graceMs);
    for (const ending of this.#endings) ending.shorten(graceMs);
    for (const wake of this.#waiting) wake();
  }

  #find(estate: Estate): FoundRecord {
    const look = findRecord(estate.record);
    if (look.state === 'living' && look.pid !== undefined) this.#living.add(look.pid);
    return look;
  }

  async #settle(estate: Estate, look: FoundRecord): Promise<void> {
    const { clock, log } = this.#options;
    const giveUp = clock.monotonic() + HELD_RECORD_WAIT_MS;
    let now = look;
    while (now.state === 'held' && clock.monotonic() < giveUp && !this.#hurried) {
      await this.#pause();
      now = this.#find(estate);
    }
    if (now.state === 'unknown') {
      const why = 'there are no locks here that tell whether it runs';
      log.info({ record: estate.record, why }, UNKNOWN);
    }
    if (now.state !== 'dead') return;
    try {
      if (await this.#isSettled(now)) {
        await estate.discard?.();
        now.remove();
      }
    } finally {
      now.release();
    }
  }

  /** Ends the processes of a server that is gone; false: its record has to stay. */
  async #isSettled(dead: DeadRecord): Promise<boolean> {
    const { clock, log, marking } = this.#options;
    const { record } = dead;
    // Its machine was started again, or is another.
    if (record?.bootId !== undefined && isOther(record.bootId, bootId())) return true;
    const unknown = whyUnknown(record, marking);
    if (record?.marks === undefined || marking === undefined || unknown !== undefined) {
      const details = { server: record?.pid, why: unknown };
      log.info(details, UNKNOWN);
      return clock.now() - dead.writtenMs > UNKNOWN_RECORD_KEEP_MS;
    }
    const tree = new LeftoverTree(record, record.marks, marking, (pid) => this.#living.has(pid));
    if (!(await tree.hasMembers())) return true;
    const server = record.pid;
    log.warn({ server, processes: tree.size }, 'ending what a server left that was killed');
    const ending = new TreeEnding(tree, clock, this.#graceMs);
    this.#endings.add(ending);
    await ending.wait();
    this.#endings.delete(ending);
    // What SIGKILL was sent to has nothing else to come: it ends when the system lets it.
    if (tree.denied > 0 || (await tree.hasMembers())) {
      log.warn({ server, processes: tree.size }, 'some of what a server left cannot be ended');
    }
    return true;
  }

  async #pause(): Promise<void> {
    let timer: Timer | undefined;
    let wake: (() => void) | undefined;
    await new Promise<void>((resolve) => {
      wake = resolve;
      this.#waiting.add(resolve);
      timer = this.#options.clock.setTimer(HELD_RECORD_POLL_MS, resolve);
    });
    timer?.cancel();
    if (wake !== undefined) this.#waiting.delete(wake);
  }
}

const UNKNOWN = 'what a server left that was killed cannot be looked for';

/** Why the processes of a server cannot be found; undefined: they can. */
function whyUnknown(
  record: ServerRecord | undefined,
  marking: Marking | undefined,
): string | undefined {
  if (record === undefined) return 'its record cannot be read';
  if (record.marks === undefined) return 'it gave no marks of its own to what it started';
  if (record.startTime === undefined || record.bootId === undefined) return 'it had no /proc';
  if (!hasOwnProc()) return 'there is no /proc of this PID namespace';
  const namespace = pidNamespace();
  if (namespace === undefined || record.pidNamespace !== namespace) {
    return 'it ran in another PID namespace';
  }
  return marking === undefined ? 'this server has no marks to compare with' : undefined;
}

function isOther(one: string, other: string | undefined): boolean {
  return other !== undefined && one !== other;
}

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Marking } from '../launcher.ts';
import { LastPid } from '../native/last-pid.ts';
import {
  type ProcessScan,
  type ScannedProcess,
  scanProcess,
  scanProcesses,
} from '../process-scan.ts';
import type { EndingTarget } from '../tree-ending.ts';
import type { ServerRecord } from './server-record.ts';

/** Processes that are looked at, or signaled, in a turn of the event loop. */
const IN_A_TURN = 64;

/** After how many looks that found nothing it counts that something was made during each. */
const EMPTY_LOOKS = 3;

/** A process that a server left. */
interface Leftover {
  readonly process: ScannedProcess;
  readonly mark: bigint;
}

/** What a look found. */
interface Look {
  readonly found: readonly Leftover[];
  /** Nothing was there that it could have passed by. */
  readonly whole: boolean;
}

/**
 * What a server left that was killed: what has one of its marks, started after it did, and came,
 * as orphans do, to one of those that were above the server. All three have to hold. A server
 * that runs has what it started below itself, so that none of it is ever taken for left.
 */
export class LeftoverTree implements EndingTarget {
  /** Terminals hung up when the server was gone. */
  readonly hangsUp = false;
  readonly #record: ServerRecord;
  readonly #startTime: number;
  readonly #marks: NonNullable<ServerRecord['marks']>;
  readonly #marking: Marking;
  readonly #isSpared: (pid: number) => boolean;
  #found: readonly Leftover[] = [];
  /** Those that are another user's now, by pid and start time. */
  readonly #denied = new Set<string>();

  /** `isSpared` tells the servers that run: they wear marks while they make children. */
  constructor(
    record: ServerRecord,
    marks: NonNullable<ServerRecord['marks']>,
    marking: Marking,
    isSpared: (pid: number) => boolean,
  ) {
    this.#record = record;
    this.#startTime = Number(record.startTime);
    this.#marks = marks;
    this.#marking = marking;
    this.#isSpared = isSpared;
  }

  /** How many of its processes were found. */
  get size(): number {
    return this.#found.length;
  }

  /** How many may not be signaled. */
  get denied(): number {
    return this.#denied.size;
  }

  leaderExited(): boolean {
    return true;
  }

  async collect(): Promise<void> {
    await this.#look();
  }

  /** Whether any of it runs. Nothing does only where a look found nothing and could miss nothing. */
  async hasMembers(): Promise<boolean> {
    for (let empty = 0; empty < EMPTY_LOOKS; empty += 1) {
      const { found, whole } = await this.#look();
      if (found.some((leftover) => !this.#isDenied(leftover) && this.#isStill(leftover))) {
        return true;
      }
      if (whole && found.every((leftover) => this.#isDenied(leftover))) return false;
    }
    return false;
  }

  signal(signal: number): void {
    void this.#signalAll(this.#found, signal);
  }

  async #signalAll(found: readonly Leftover[], signal: number): Promise<void> {
    for (const [index, leftover] of found.entries()) {
      if (index % IN_A_TURN === IN_A_TURN - 1) await nextTurn();
      const isMeant = (): boolean => this.#isStill(leftover);
      const delivery = this.#marking.signal(leftover.process.pid, signal, isMeant);
      if (delivery === 'denied') this.#denied.add(keyOf(leftover));
    }
  }

  #isDenied(leftover: Leftover): boolean {
    return this.#denied.has(keyOf(leftover));
  }

  /** Whether it is the process that was found, and runs. */
  #isStill({ mark, process }: Leftover): boolean {
    const now = scanProcess(process.pid);
    if (now === undefined || now.ended || now.startTime !== process.startTime) return false;
    // A mark stays. One that a server wears for a moment does not.
    return this.#marking.of(process.pid) === mark;
  }

  async #look(): Promise<Look> {
    const last = new LastPid().take();
    const scan = await scanProcesses();
    // Whoever asks made sure that there is a proc(5).
    if (scan === undefined) return { found: [], whole: true };
    const marked = await this.#markedIn(scan);
    let whole = true;
    const found = [...marked.values()].filter((leftover) => {
      const above = whoHas(leftover, marked, scan);
      if (above === undefined) whole = false;
      return above !== undefined && this.#wasAbove(above);
    });
    this.#found = found;
    return { found, whole: whole && last !== 0 && new LastPid().take() === last };
  }

  async #markedIn(scan: ProcessScan): Promise<ReadonlyMap<number, Leftover>> {
    const marked = new Map<number, Leftover>();
    let looked = 0;
    for (const found of scan.byPid.values()) {
      const { ended, pid, startTime } = found;
      if (ended || pid === process.pid || this.#isSpared(pid)) continue;
      if (Number(startTime) < this.#startTime) continue;
      looked += 1;
      if (looked % IN_A_TURN === 0) await nextTurn();
      const mark = this.#marking.of(pid);
      if (mark === undefined || mark < this.#marks.first || mark > this.#marks.last) continue;
      marked.set(pid, { process: found, mark });
    }
    return marked;
  }

  #wasAbove(above: Pick<ScannedProcess, 'pid' | 'startTime'>): boolean {
    // Orphans come to it where nobody else takes them; it may not have been above
    // a server that was brought into its namespace.
    if (above.pid === 1) return true;
    return this.#record.ancestors.some(
      ({ pid, startTime }) => pid === above.pid && startTime === above.startTime,
    );
  }
}

/** Who has a process that was left, or what it is below; undefined: that changes right now. */
function whoHas(
  leftover: Leftover,
  marked: ReadonlyMap<number, Leftover>,
  scan: ProcessScan,
): Pick<ScannedProcess, 'pid' | 'startTime'> | undefined {
  let at = leftover.process;
  for (let steps = 0; steps <= marked.size; steps += 1) {
    const above = marked.get(at.parent);
    if (above === undefined) break;
    at = above.process;
  }
  // Process 1 may be hidden by how proc(5) is mounted.
  if (at.parent === 1) return { pid: 1, startTime: '0' };
  const found = scan.byPid.get(at.parent);
  if (found !== undefined && !found.ended) return found;
  const now = scanProcess(at.pid);
  if (now === undefined || now.ended) return undefined;
  return now.parent === 1 ? { pid: 1, startTime: '0' } : scanProcess(now.parent);
}

function keyOf({ process: { pid, startTime } }: Leftover): string {
  return `${pid} ${startTime}`;
}

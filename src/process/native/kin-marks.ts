import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { MarkRange } from '../launcher.ts';
import { hasOwnProc } from '../own-proc.ts';
import { type Libc, RLIMIT_RTTIME, RLIMIT_SIZE } from './libc.ts';

/** Marks lie between this and its double. As microseconds: nothing that a limit would be set to. */
const BASE = 1n << 62n;

/** The marks that a server gives, by how deep it runs in processes of other servers. */
interface Level {
  /** How far apart they are: what lies between two of them are those of servers that run in its processes. */
  readonly step: bigint;
  /** How many bits of a mark count the processes of one server. */
  readonly serialBits: bigint;
  /**
   * How many bits before these are a number that the server draws, so that what it leaves when
   * it is killed can be told from what another one left.
   */
  readonly serverBits: bigint;
}

const LEVELS: readonly Level[] = [
  { step: 1n << 32n, serialBits: 17n, serverBits: 13n },
  { step: 1n << 12n, serialBits: 15n, serverBits: 5n },
  { step: 1n, serialBits: 12n, serverBits: 0n },
];

/**
 * Marks a process in a way that all its descendants inherit and that survives
 * setsid(2), execve(2) and the end of every ancestor: by its soft limit
 * `RLIMIT_RTTIME`, getrlimit(2), which says how long a realtime process may compute
 * without a pause. A mark is a value that is unlimited for all purposes (more than
 * 100,000 years) and nobody else's.
 *
 * A child gets the limits that its parent has when it is made. So a mark is worn by
 * this process itself while it makes a child, one at a time: no moment is left
 * in which the child could have descendants without the mark.
 */
export class KinMarks {
  /** All marks that this server gives, and those that servers in its processes give. */
  readonly range: MarkRange;
  readonly #libc: Libc;
  readonly #own: Limit;
  readonly #base: bigint;
  readonly #step: bigint;
  readonly #count: bigint;
  readonly #used = new Set<bigint>();
  #last = 0n;

  /** Undefined where this process cannot mark others. `own`: its limit, if it is known. */
  static create(libc: Libc, own = limitOf(libc, 0)): KinMarks | undefined {
    if (own === undefined || own.hard < 2n * BASE) return undefined;
    const inherited = own.soft >= BASE && own.soft < 2n * BASE ? own.soft : undefined;
    // One deeper than the server that gave the mark which this process has.
    const depth =
      inherited === undefined ? 0 : LEVELS.findIndex(({ step }) => inherited % step === 0n) + 1;
    const level = LEVELS[depth];
    if (level === undefined) return undefined;
    const marks = new KinMarks(libc, own, inherited ?? BASE, level);
    return marks.#works() ? marks : undefined;
  }

  private constructor(libc: Libc, own: Limit, outer: bigint, level: Level) {
    const { serialBits, serverBits, step } = level;
    const server = BigInt(randomInt(2 ** Number(serverBits)));
    const serials = 1n << serialBits;
    this.#libc = libc;
    this.#own = own;
    // The serial 0 is no mark: with the server's number 0 it would be that of the outer server.
    this.#base = outer + server * serials * step;
    this.#step = step;
    this.#count = serials - 1n;
    this.range = {
      first: this.#base + step,
      last: this.#base + serials * step - 1n,
      isServersOwn: serverBits > 0n,
    };
  }

  /** A mark that no process has, to be given back in the end; undefined: there is none left. */
  take(): bigint | undefined {
    if (this.#used.size >= this.#count) return undefined;
    do this.#last = (this.#last % this.#count) + 1n;
    while (this.#used.has(this.#last));
    this.#used.add(this.#last);
    return this.#base + this.#last * this.#step;
  }

  /** Gives a mark back: no process that is of interest has it. */
  giveBack(mark: bigint): void {
    this.#used.delete((mark - this.#base) / this.#step);
  }

  /** From now on children get this mark; undefined: none of ours. */
  wear(mark: bigint | undefined): void {
    this.#libc.prlimit(0, RLIMIT_RTTIME, limitBytes(mark ?? this.#own.soft, this.#own.hard), null);
  }

  /** The mark that a process has of this server; undefined: none. */
  of(pid: number): bigint | undefined {
    const soft = softLimitOf(this.#libc, pid);
    if (soft === undefined || soft < this.range.first || soft > this.range.last) return undefined;
    return soft - ((soft - this.#base) % this.#step);
  }

  #works(): boolean {
    const mark = this.#base + this.#step;
    this.wear(mark);
    const worn = this.of(0);
    this.wear(undefined);
    return worn === mark;
  }
}

/**
 * Why this process cannot mark others: its limit may not be as high as marks are, or it runs in too
 * many other servers, or limits may not be set. Undefined: it can.
 */
export function whyNoMarks(libc: Libc): 'limit' | 'nested' | 'refused' | undefined {
  const own = limitOf(libc, 0);
  if (own === undefined) return 'refused';
  if (own.hard < 2n * BASE) return 'limit';
  const isMark = own.soft >= BASE && own.soft < 2n * BASE;
  // Those of the last but one level are multiples of this.
  if (isMark && own.soft % (LEVELS.at(-2)?.step ?? 1n) !== 0n) return 'nested';
  return KinMarks.create(libc, own) === undefined ? 'refused' : undefined;
}

/** The soft limit that marks are, of any process; undefined: it is not there. */
export function softLimitOf(libc: Libc, pid: number): bigint | undefined {
  return limitOf(libc, pid)?.soft ?? softLimitOfOther(pid);
}

interface Limit {
  readonly soft: bigint;
  readonly hard: bigint;
}

/** What the kernel reads from and writes to: a call is over before the next begins. */
const limit = Buffer.alloc(RLIMIT_SIZE);

function limitOf(libc: Libc, pid: number): Limit | undefined {
  if (libc.prlimit(pid, RLIMIT_RTTIME, null, limit) !== 0) return undefined;
  return { soft: limit.readBigUInt64LE(0), hard: limit.readBigUInt64LE(8) };
}

function limitBytes(soft: bigint, hard: bigint): Buffer {
  limit.writeBigUInt64LE(soft, 0);
  limit.writeBigUInt64LE(hard, 8);
  return limit;
}

/** Of a process that became another user's, prlimit(2) does not tell, but proc(5) does. */
function softLimitOfOther(pid: number): bigint | undefined {
  if (!hasOwnProc()) return undefined;
  try {
    const [, soft] = /^Max realtime timeout +(\d+) /m.exec(
      readFileSync(`/proc/${pid}/limits`, 'latin1'),
    ) ?? [undefined, undefined];
    return soft === undefined ? undefined : BigInt(soft);
  } catch {
    return undefined;
  }
}

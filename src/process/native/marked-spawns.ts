import type { KinMarks } from './kin-marks.ts';
import { childWith, isChildWith } from './kinship.ts';
import { LastPid } from './last-pid.ts';
import type { Libc } from './libc.ts';
import type { OpenFiles } from './open-files.ts';
import { Slots } from './slots.ts';

/** After how many milliseconds a spawn is slow, and all children are looked through for its own. */
const SLOW_MS = 10;

/** How many new pids are looked at in a turn of the event loop, and in how many turns. */
const MAX_NEW_PIDS = 32;
const MAX_TURNS = 100;

/**
 * Makes children that have marks. A mark is worn while a child is made, so this is
 * done for one at a time. A spawn ends when the child is its program, which is long
 * after it was made, and very long where a disk is slow. So while others wait it is
 * looked whether the child is there, which has its mark then, and the next one begins.
 */
export class MarkedSpawns {
  readonly #libc: Libc;
  readonly #marks: KinMarks;
  readonly #isLaunched: (pid: number) => boolean;
  readonly #turn = new Slots(1);
  readonly #lastPid = new LastPid();
  /** Those of children that are being made. */
  readonly #making = new Set<bigint>();

  /** `isLaunched` tells the children that were made before. */
  constructor(libc: Libc, marks: KinMarks, isLaunched: (pid: number) => boolean) {
    this.#libc = libc;
    this.#marks = marks;
    this.#isLaunched = isLaunched;
  }

  /** Whether a child with this mark is being made: its pid is not known yet. */
  isMaking(mark: bigint): boolean {
    return this.#making.has(mark);
  }

  /**
   * Makes a child that has a mark and, where this process can do with it meanwhile, the lower
   * limit of open files; `begin` is told whether that is so, and resolves with its pid when it
   * is its program.
   */
  async spawn(
    mark: bigint,
    begin: (lowered: boolean) => Promise<number>,
    openFiles?: OpenFiles,
  ): Promise<number> {
    this.#making.add(mark);
    try {
      const { pid } = await this.#turn.use(async () => {
        this.#marks.wear(mark);
        const lowered = openFiles?.fits() ? openFiles : undefined;
        lowered?.lower(true);
        try {
          const lastPid = this.#lastPid.read();
          const spawning = begin(lowered !== undefined);
          await this.#childIsMade(mark, lastPid, spawning, lowered);
          // Not the promise itself, which would be waited for.
          return { pid: spawning };
        } finally {
          lowered?.lower(false);
          this.#marks.wear(undefined);
        }
      });
      return await pid;
    } finally {
      this.#making.delete(mark);
    }
  }

  /**
   * Resolves when a spawn is over, or its child is there and others wait, or this process
   * has less than its own limit meanwhile.
   */
  #childIsMade(
    mark: bigint,
    lastPid: number,
    spawning: Promise<number>,
    openFiles: OpenFiles | undefined,
  ): Promise<void> {
    return new Promise((resolve) => {
      let over = false;
      let slow: NodeJS.Timeout | undefined;
      const lookAgain = (): void => {
        slow ??= setInterval(() => {
          if (this.#childIsThere(mark)) end();
          // It waits for a thread, on a disk that hangs: others here must not run out meanwhile.
          else if (openFiles?.fits() === false) openFiles.lower(false);
        }, SLOW_MS);
      };
      if (openFiles !== undefined) lookAgain();
      const end = (): void => {
        over = true;
        clearInterval(slow);
        resolve();
      };
      spawning.then(end, end);
      this.#turn.onWanted(() => {
        if (over) return;
        lookAgain();
        const look = this.#lookout(mark, lastPid);
        const next = (turns: number): void => {
          if (over) return;
          if (look()) end();
          else if (turns < MAX_TURNS) setImmediate(next, turns + 1);
        };
        setImmediate(next, 0);
      });
    });
  }

  #childIsThere(mark: bigint): boolean {
    return childWith(this.#libc, mark, this.#marks, this.#isLaunched) !== undefined;
  }

  /** Looks for a child among the pids that were given since the last look. */
  #lookout(mark: bigint, lastPid: number): () => boolean {
    let seen = lastPid;
    return () => {
      const last = this.#lastPid.read();
      // They begin again with small ones some time; then the child is not found in this way.
      const first = Math.max(seen, last - MAX_NEW_PIDS);
      seen = last;
      for (let pid = last; pid > first; pid--) {
        const found = isChildWith(this.#libc, mark, pid, this.#marks);
        if (found === true) return true;
        // It is looked at once more.
        if (found === 'maybe') seen = pid - 1;
      }
      return false;
    };
  }
}

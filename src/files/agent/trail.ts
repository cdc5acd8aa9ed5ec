import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { pathIn } from './proc-paths.ts';

/** `O_PATH` and `O_CLOEXEC` of fcntl.h on Linux, which Node.js does not name. */
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

/** Of those of one trail that are open at a time: deeper trees than this are rare. */
const MAX_OPEN = 32;

const UP = Buffer.from('..');

/** A folder on the way. */
interface Step {
  readonly dev: bigint;
  readonly ino: bigint;
  descriptor: number | undefined;
}

/** A folder is not in that any more from which it was entered. */
export class LostWayError extends Error {}

/**
 * The folders on a way down from one, however deep. Only the last are open; one that was closed is
 * found again by `..`, and has to be the same.
 */
export class Trail {
  readonly #base: number;
  readonly #steps: Step[] = [];

  /** @param base a descriptor of the folder where the way begins, which stays the caller's */
  constructor(base: number) {
    this.#base = base;
  }

  /** How many folders below the first the last one is. */
  get depth(): number {
    return this.#steps.length;
  }

  /** A descriptor of the last one. */
  get top(): number {
    return this.#steps.at(-1)?.descriptor ?? this.#base;
  }

  /** Goes down to a folder, or to what the way ends at. The descriptor is ours then. */
  push(descriptor: number): void {
    const { dev, ino } = identityOf(descriptor);
    this.#steps.push({ dev, ino, descriptor });
    const far = this.#steps.at(-1 - MAX_OPEN);
    if (far?.descriptor === undefined) return;
    closeSync(far.descriptor);
    far.descriptor = undefined;
  }

  /**
   * A descriptor of the folder that the last one was entered from.
   *
   * @throws LostWayError it is somewhere else now; or an error of the system
   */
  parent(): number {
    const step = this.#steps.at(-2);
    if (step === undefined) return this.#base;
    if (step.descriptor !== undefined) return step.descriptor;
    const found = openUp(this.top);
    const { dev, ino } = identityOf(found);
    if (dev !== step.dev || ino !== step.ino) {
      closeSync(found);
      throw new LostWayError('a folder was moved');
    }
    step.descriptor = found;
    return found;
  }

  /**
   * Goes back up.
   *
   * @throws as {@link parent}
   */
  pop(): void {
    this.parent();
    const step = this.#steps.pop();
    if (step?.descriptor !== undefined) closeSync(step.descriptor);
  }

  /** What the last one is, for the caller; undefined: the way has not begun. */
  take(): number | undefined {
    return this.#steps.pop()?.descriptor;
  }

  /** Goes back to the first one. */
  clear(): void {
    for (const { descriptor } of this.#steps.splice(0)) {
      if (descriptor !== undefined) closeSync(descriptor);
    }
  }
}

function openUp(folder: number): number {
  try {
    return openSync(pathIn(folder, UP), O_PATH | O_CLOEXEC | constants.O_DIRECTORY);
  } catch (error) {
    // A folder that was removed has none that it is in.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new LostWayError('a folder was removed');
  }
}

function identityOf(descriptor: number): { readonly dev: bigint; readonly ino: bigint } {
  return fstatSync(descriptor, { bigint: true });
}

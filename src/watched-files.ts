import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Clock, Timer } from './clock.ts';
import { FILES_LOOK_MS } from './limits.ts';
import { type FileRead, readRegularFile } from './read-file.ts';

/** Files that are read again when they have changed. */
export interface WatchedFiles<T> {
  /** What was made of them when they were good the last time. */
  readonly current: T;
  /** Looks at them no more. Idempotent. */
  close(): void;
}

/** How files are watched. */
export interface WatchedFilesOptions<T> {
  /** They are read together, since what is in one may have to fit what is in another. */
  readonly paths: readonly string[];
  /** Bytes of one of them at most. */
  readonly maxBytes: number;
  /** Looks at each before it is read, and throws where it is not to be. Default: any will do. */
  readonly check?: (path: string, stats: BigIntStats) => void;
  /**
   * Makes something of their texts, in the order of the paths.
   *
   * @throws Error that says what is wrong with them
   */
  readonly parse: (texts: readonly string[]) => T | Promise<T>;
  readonly clock: Clock;
  /** Told when other texts have taken effect. */
  readonly onChange: (now: T, before: T) => void;
  /**
   * Told once of each problem that two looks in a row have found, so that a change which is under
   * way is none; undefined: they are good again.
   */
  readonly onProblem: (problem: string | undefined) => void;
}

/**
 * How long after a file has changed it may change again without looking otherwise: file systems
 * tell times of some milliseconds to two seconds.
 */
const FRESH_MS = 2_000;

/**
 * Reads files, and again when they have changed. They are looked at about once a second, and not
 * watched: that finds every way in which one can be replaced, by a link that leads elsewhere for one,
 * on every file system. While there is something that cannot be used, what was good the last time
 * stays in force.
 *
 * @throws Error that names the file, or says what is wrong with them
 */
export async function watchFiles<T>(options: WatchedFilesOptions<T>): Promise<WatchedFiles<T>> {
  const read = await readAll(options);
  return new Watched(options, read, await options.parse(read.texts));
}

/** What was read. */
interface Read {
  readonly texts: readonly string[];
  /** How the files looked; undefined: they may have changed without that being seen. */
  readonly look: string | undefined;
}

class Watched<T> implements WatchedFiles<T> {
  readonly #options: WatchedFilesOptions<T>;
  #current: T;
  /** What the current is of. */
  #texts: readonly string[];
  #look: string | undefined;
  /** What is wrong with them now. */
  #problem: string | undefined;
  #told: string | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: WatchedFilesOptions<T>, read: Read, current: T) {
    this.#options = options;
    this.#current = current;
    this.#texts = read.texts;
    this.#look = read.look;
    this.#lookLater();
  }

  get current(): T {
    return this.#current;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** One look at a time, however long the file system takes. */
  #lookLater(): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.setTimer(FILES_LOOK_MS, () => {
      void this.#lookAgain().then(() => this.#lookLater());
    });
  }

  async #lookAgain(): Promise<void> {
    const before = this.#problem;
    try {
      const { paths } = this.#options;
      if (this.#look === undefined || this.#look !== (await lookOf(paths))) await this.#readAgain();
      this.#problem = undefined;
    } catch (error) {
      this.#look = undefined;
      this.#problem = (error as Error).message;
    }
    if (this.#closed || this.#problem === this.#told) return;
    if (this.#problem !== undefined && this.#problem !== before) return;
    this.#told = this.#problem;
    this.#options.onProblem(this.#problem);
  }

  async #readAgain(): Promise<void> {
    const read = await readAll(this.#options);
    const changed = read.texts.some((text, i) => text !== this.#texts[i]);
    if (changed) {
      const now = await this.#options.parse(read.texts);
      if (this.#closed) return;
      const before = this.#current;
      this.#current = now;
      this.#texts = read.texts;
      this.#options.onChange(now, before);
    }
    this.#look = read.look;
  }
}

async function readAll<T>({ check, maxBytes, paths }: WatchedFilesOptions<T>): Promise<Read> {
  const reads: FileRead[] = [];
  for (const path of paths) {
    const checked = (stats: BigIntStats): void => check?.(path, stats);
    const read = await readRegularFile(path, { maxBytes, check: checked }).catch((error: Error) => {
      throw new Error(`${path}: ${error.message}`);
    });
    reads.push(read);
  }
  const changedMs = Math.max(...reads.map(({ stats }) => Number(stats.ctimeMs)));
  // That of the file system, not one that stands still.
  const isFresh = Math.abs(Date.now() - changedMs) < FRESH_MS;
  return {
    texts: reads.map(({ text }) => text),
    look: isFresh ? undefined : reads.map(({ stats }) => printOf(stats)).join(),
  };
}

async function lookOf(paths: readonly string[]): Promise<string> {
  const found = await Promise.all(
    paths.map((path) =>
      stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
        throw new Error(`${path}: it cannot be read (${error.code})`);
      }),
    ),
  );
  return found.map(printOf).join();
}

/** Changes with every file that is put into a place, also through links, and with most writes. */
function printOf({ ctimeNs, dev, ino, mtimeNs, size }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Clock, Timer } from './clock.ts';
import { FILES_LOOK_MS, FRESH_FILE_MS } from './limits.ts';
import { type FileRead, printOf, readRegularFile } from './read-file.ts';

/** Files that are read again when they have changed. */
export interface WatchedFiles<T> {
  /** What was made of them when they were good the last time. */
  readonly current: T;
  /**
   * Reads them now: what has changed takes effect before it resolves.
   *
   * @throws Error that says what is wrong with them, which is not told otherwise; what was good the
   *   last time stays in force
   */
  reload(): Promise<void>;
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
  readonly check?: (stats: BigIntStats, path: string) => void;
  /**
   * Makes something of them, and of what was made of them before. `at` gives the file of a path.
   *
   * @throws Error that says what is wrong with them
   */
  readonly parse: (at: (path: string) => FileRead, before: T | undefined) => T;
  readonly clock: Clock;
  /** Told when something else in them has taken effect. */
  readonly onChange: (now: T, before: T) => void;
  /** Told once of each problem; undefined: they are good again. */
  readonly onProblem: (problem: Error | undefined) => void;
  /** Called after each look. Default: nothing is. */
  readonly onLook?: () => void;
}

/**
 * Reads files, and again when they have changed. They are looked at, and not watched: that finds
 * every way in which one can be replaced, by a link that leads elsewhere for one, on every file
 * system. They are read when two looks in a row have found them the same, so that a change which
 * is under way is none. While there is something that cannot be used, what was good the last time
 * stays in force.
 *
 * @throws Error that says what is wrong with them. Here and later, what the system says of one of
 *   several begins with its path
 */
export async function watchFiles<T>(options: WatchedFilesOptions<T>): Promise<WatchedFiles<T>> {
  const files = await readAll(options);
  return new Watched(options, files, options.parse(by(files), undefined));
}

type Files = ReadonlyMap<string, FileRead>;

class Watched<T> implements WatchedFiles<T> {
  readonly #options: WatchedFilesOptions<T>;
  #current: T;
  /** What the current is of. */
  #files: Files;
  /** What was read last, if it makes no sense. */
  #bad: { readonly files: Files; readonly problem: Error } | undefined;
  /** How the files looked at the last look. */
  #found: string;
  /** How they looked when they were read; undefined: they may be others without that being seen. */
  #read: string | undefined;
  #told: string | undefined;
  #timer: Timer | undefined;
  /** The last of what is done, one after the other. */
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: WatchedFilesOptions<T>, files: Files, current: T) {
    this.#options = options;
    this.#current = current;
    this.#files = files;
    this.#found = lookOfRead(options.paths, files);
    this.#read = isFresh(files) ? undefined : this.#found;
    this.#lookLater();
  }

  get current(): T {
    return this.#current;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  reload(): Promise<void> {
    return this.#inTurn(() => this.#readNow());
  }

  /** One at a time, however long the file system takes. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(act);
    this.#turn = done.catch(() => {});
    return done;
  }

  #lookLater(): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.setTimer(FILES_LOOK_MS, () => {
      void this.#inTurn(() => this.#look()).then(() => this.#lookLater());
    });
  }

  async #readNow(): Promise<void> {
    const files = await readAll(this.#options).catch((error: Error) => error);
    if (this.#closed) return;
    if (!(files instanceof Error)) {
      this.#found = lookOfRead(this.#options.paths, files);
      this.#read = isFresh(files) ? undefined : this.#found;
    }
    const problem = files instanceof Error ? files : this.#take(files);
    const told = this.#told;
    this.#told = problem?.message;
    if (problem !== undefined) throw problem;
    if (told !== undefined) this.#options.onProblem(undefined);
  }

  async #look(): Promise<void> {
    const found = await lookOf(this.#options.paths);
    const isSettled = found === this.#found;
    this.#found = found;
    if (isSettled && found !== this.#read) await this.#readAgain(found);
    if (!this.#closed) this.#options.onLook?.();
  }

  async #readAgain(found: string): Promise<void> {
    const files = await readAll(this.#options).catch((error: Error) => error);
    // What they have become meanwhile is for the next looks.
    if ((await lookOf(this.#options.paths)) !== found || this.#closed) return;
    this.#read = files instanceof Error || isFresh(files) ? undefined : found;
    const problem = files instanceof Error ? files : this.#take(files);
    if (problem?.message === this.#told) return;
    this.#told = problem?.message;
    this.#options.onProblem(problem);
  }

  /** Has what was read take effect, if it is something else; returns what is wrong with it. */
  #take(files: Files): Error | undefined {
    const before = this.#current;
    if (isSame(files, this.#files)) return undefined;
    if (this.#bad !== undefined && isSame(files, this.#bad.files)) return this.#bad.problem;
    try {
      this.#current = this.#options.parse(by(files), before);
    } catch (error) {
      const problem = error as Error;
      this.#bad = { files, problem };
      return problem;
    }
    this.#bad = undefined;
    this.#files = files;
    this.#options.onChange(this.#current, before);
    return undefined;
  }
}

async function readAll<T>({ check, maxBytes, paths }: WatchedFilesOptions<T>): Promise<Files> {
  const files = new Map<string, FileRead>();
  for (const path of paths) {
    const checked = (stats: BigIntStats): void => check?.(stats, path);
    const read = readRegularFile(path, { maxBytes, check: checked });
    files.set(path, paths.length === 1 ? await read : await read.catch(named(path)));
  }
  return files;
}

function named(path: string): (error: Error) => never {
  return ({ message }) => {
    throw new Error(`${path}: ${message}`);
  };
}

function by(files: Files): (path: string) => FileRead {
  return (path) => {
    const file = files.get(path);
    if (file === undefined) throw new Error(`${path}: it is not among these files`);
    return file;
  };
}

function isSame(one: Files, other: Files): boolean {
  return [...one].every(([path, { bytes }]) => other.get(path)?.bytes.equals(bytes));
}

/** Whether one was written not long ago, and may be again without looking otherwise. */
function isFresh(files: Files): boolean {
  const changedMs = Math.max(...[...files.values()].map(({ stats }) => Number(stats.ctimeMs)));
  // The time of the file system, not of a clock that may stand still.
  return Math.abs(Date.now() - changedMs) < FRESH_FILE_MS;
}

async function lookOf(paths: readonly string[]): Promise<string> {
  const looks = paths.map((path) => stat(path, { bigint: true }).then(printOf, codeOf));
  return (await Promise.all(looks)).join();
}

function codeOf({ code }: NodeJS.ErrnoException): string {
  return code ?? 'EIO';
}

function lookOfRead(paths: readonly string[], files: Files): string {
  return paths.map((path) => printOf(by(files)(path).stats)).join();
}

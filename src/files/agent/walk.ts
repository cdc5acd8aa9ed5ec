import { closeSync, fstatSync } from 'node:fs';
import { MAX_PATH_BYTES, MAX_WALK_BYTES, MAX_WALKS_BYTES } from '../../limits.ts';
import { Fifo } from '../../output/fifo.ts';
import { bytesOfText } from '../../system-text.ts';
import { FileFault, faultOf } from '../file-fault.ts';
import type { FileInfo } from '../file-info.ts';
import { type Agent, withDescriptor } from './agent.ts';
import { type ByteName, joinPath, textOfName } from './byte-name.ts';
import { describeEntry, type Entry } from './describe-entry.ts';
import { anyOf, compileGlob, EVERYTHING, type GlobPlace } from './glob.ts';
import { Identities, type Identity, identityOf, isSame } from './identities.ts';
import { type ListingPiece, ListingPieces } from './listing.ts';
import { openBelow } from './open-below.ts';
import { sortedNames } from './sorted-names.ts';
import { Room } from './walk-room.ts';

/** What a walk is told as where the system says no more. */
const OPERATION = 'walk_directory';

/** Memory of all walks of this thread. */
const ALL_WALKS = new Room(MAX_WALKS_BYTES);

/** Bytes of a folder that waits to be entered, beside its path. */
const WAITING_BYTES = 128;

/** How a walk is made. */
export interface WalkArgs {
  readonly path: string;
  /** The depth of the deepest entries; what is in the folder itself has 1. Infinite: any. */
  readonly maxDepth: number;
  readonly maxEntries: number;
  /** Globs that compile; none of `include`: all match. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly followSymlinks: boolean;
}

/** How a walk ended. */
export interface WalkEnd {
  readonly entries: number;
  /** Whether there would have been more. */
  readonly truncated: boolean;
}

/** A folder that waits to be entered. */
interface Waiting extends Identity {
  /** Its path below the start. */
  readonly below: ByteName;
  readonly depth: number;
}

/** Tells what is in a folder and those below it, breadth first, sorted in each. */
export function* walkDirectory(
  agent: Agent,
  args: WalkArgs,
): Generator<ListingPiece | undefined, WalkEnd> {
  const start = agent.places.find(args.path, { follow: true });
  const walk = new Walk(agent, args, start);
  try {
    return yield* walk.run();
  } catch (error) {
    throw faultOf(error, OPERATION, args.path);
  } finally {
    walk.close();
    closeSync(start);
  }
}

class Walk {
  readonly #agent: Agent;
  readonly #args: WalkArgs;
  readonly #start: number;
  readonly #room = new Room(MAX_WALK_BYTES, ALL_WALKS);
  readonly #seen = new Identities(this.#room);
  readonly #waiting = new Fifo<Waiting>();
  readonly #pieces = new ListingPieces();
  readonly #pathBytes: number;
  readonly #include: GlobPlace;
  readonly #exclude: GlobPlace;
  #entries = 0;
  #truncated = false;
  /** Whether one more than may come was found. */
  #isFull = false;

  constructor(agent: Agent, args: WalkArgs, start: number) {
    this.#agent = agent;
    this.#args = args;
    this.#start = start;
    this.#pathBytes = bytesOfText(args.path).length;
    const { exclude, include } = args;
    this.#include = include.length === 0 ? EVERYTHING : anyOf(include.map(compileGlob));
    this.#exclude = anyOf(exclude.map(compileGlob));
  }

  close(): void {
    this.#room.close();
  }

  *run(): Generator<ListingPiece | undefined, WalkEnd> {
    const { dev, ino } = fstatSync(this.#start, { bigint: true });
    const start = { below: '', depth: 0, dev, ino };
    this.#seen.add(start);
    yield* this.#enter(start);
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#room.give(bytesOf(next));
      if (this.#isFull) break;
      try {
        yield* this.#enter(next);
      } catch (error) {
        this.#failed(error, this.#pathOf(next.below));
      }
      yield* this.#pieces.turn();
    }
    yield* this.#pieces.rest();
    return { entries: this.#entries, truncated: this.#truncated };
  }

  *#enter(waiting: Waiting): Generator<ListingPiece | undefined, void> {
    const { below } = waiting;
    const folder = this.#open(waiting);
    try {
      // Each step keeps what a pattern has matched of the path so far.
      const names = below === '' ? [] : below.split('/').map(textOfName);
      const include = names.reduce((place, name) => place.enter(name), this.#include);
      const exclude = names.reduce((place, name) => place.enter(name), this.#exclude);
      for (const name of sortedNames(folder, this.#pathOf(below), ALL_WALKS)) {
        if (name !== undefined) {
          const text = textOfName(name);
          const globs = { include: include.enter(text), exclude: exclude.enter(text) };
          if (!globs.exclude.matches) this.#look(folder, waiting, name, globs.include);
          if (this.#isFull) return;
        }
        yield* this.#pieces.turn();
      }
    } finally {
      closeSync(folder);
    }
  }

  /** @throws FileFault, Error of the system */
  #open(waiting: Waiting): number {
    const { below } = waiting;
    const folder =
      this.#args.followSymlinks && below !== ''
        ? this.#agent.places.find(this.#pathOf(below), { follow: true })
        : openBelow(this.#agent.places, this.#start, below);
    try {
      if (isSame(fstatSync(folder, { bigint: true }), waiting)) return folder;
      const message = 'another is in its place';
      throw new FileFault('FILE_CHANGED', {
        operation: OPERATION,
        path: this.#pathOf(below),
        message,
      });
    } catch (error) {
      closeSync(folder);
      throw error;
    }
  }

  /** Looks at an entry of a folder. */
  #look(folder: number, parent: Waiting, name: ByteName, include: GlobPlace): void {
    const below = joinPath(parent.below, name);
    const path = this.#pathOf(below);
    try {
      const found = this.#describe(folder, name, path);
      if (found === undefined) return;
      const { info, stats } = found;
      if (include.matches) this.#tell(info);
      const depth = parent.depth + 1;
      if (this.#isFull || !stats.isDirectory() || !include.goesOn) return;
      if (depth < this.#args.maxDepth) this.#wait({ ...identityOf(stats), below, depth }, path);
    } catch (error) {
      this.#failed(error, path);
    }
  }

  #tell(info: FileInfo): void {
    if (this.#entries >= this.#args.maxEntries) {
      this.#isFull = true;
      this.#truncated = true;
      return;
    }
    this.#entries += 1;
    this.#pieces.addFile(info);
  }

  /** What an entry is; undefined: it is not there any more. Of a link that is followed, its target. */
  #describe(folder: number, name: ByteName, path: string): Entry | undefined {
    const entry = describeEntry(this.#agent, folder, name, path);
    if (!entry?.stats.isSymbolicLink() || !this.#args.followSymlinks) return entry;
    const target = this.#findTarget(path);
    if (target === undefined) return entry;
    return withDescriptor(target, () => {
      const stats = fstatSync(target, { bigint: true });
      // One that another link took the place of meanwhile.
      if (stats.isSymbolicLink()) return entry;
      return { stats, info: this.#agent.info(stats, path, undefined) };
    });
  }

  /** By its whole path, as whoever reads it will; undefined: it leads to nothing. */
  #findTarget(path: string): number | undefined {
    try {
      return this.#agent.places.find(path, { follow: true });
    } catch (error) {
      const fault = faultOf(error, OPERATION, path);
      if (fault.reason === 'FILE_NOT_FOUND') return undefined;
      throw fault;
    }
  }

  /** A folder is entered when those that were found before it have been. */
  #wait(waiting: Waiting, path: string): void {
    if (this.#pathBytes + 1 + waiting.below.length > MAX_PATH_BYTES) {
      throw new FileFault('INVALID_REQUEST', {
        operation: OPERATION,
        path,
        errnoName: 'ENAMETOOLONG',
        message: 'what it holds has no path that is short enough',
      });
    }
    const seen = this.#seen.add(waiting);
    if (seen === 'known') return;
    if (seen === 'full' || !this.#room.take(bytesOf(waiting))) {
      throw new FileFault('LIMIT_EXCEEDED', {
        operation: OPERATION,
        path,
        message: 'too many folders wait to be entered',
      });
    }
    this.#waiting.push(waiting);
  }

  #failed(error: unknown, path: string): void {
    const fault = faultOf(error, OPERATION, path);
    if (fault.reason === 'LIMIT_EXCEEDED') this.#truncated = true;
    this.#pieces.addFailure(fault, OPERATION, path);
  }

  #pathOf(below: ByteName): string {
    return below === '' ? this.#args.path : joinPath(this.#args.path, textOfName(below));
  }
}

function bytesOf({ below }: Waiting): number {
  return WAITING_BYTES + below.length;
}

import { type BigIntStats, closeSync, constants, fstatSync, openSync, readlinkSync } from 'node:fs';
import type { Reason } from '../../errors.ts';
import { MAX_TREE_LEVELS } from '../../limits.ts';
import { FileFault, faultOf } from '../file-fault.ts';
import { paddingOf } from '../tar/tar-format.ts';
import { ARCHIVE_END_BYTES, headersOf, type WrittenMember } from '../tar/tar-writer.ts';
import type { Agent } from './agent.ts';
import { type ByteName, bytesOfName, joinPath, textOfName } from './byte-name.ts';
import { anyOf, compileGlob, EVERYTHING, type GlobPlace } from './glob.ts';
import { HardLinks } from './hard-links.ts';
import { O_PATH, pathOf } from './places.ts';
import { sortedNames } from './sorted-names.ts';
import { TreePieces } from './tree-pieces.ts';
import { newTreeRoom } from './tree-room.ts';
import { Turn } from './turn.ts';

/** What is read as an archive. */
export interface ReadTreeArgs {
  readonly path: string;
  /** Globs that compile; none of `include`: all match. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/**
 * What a step of it comes with: an encoded `ReadTreeResponse`, or nothing, and what it is given:
 * the memory of one that is done with.
 */
type Steps = Generator<Uint8Array | undefined, void, Uint8Array | undefined>;

/** A folder that is being read. */
interface Level {
  /** A descriptor of it. */
  readonly folder: number;
  /** Its path in the archive, with a slash at its end. */
  readonly path: ByteName;
  /** What is in it, sorted by bytes; undefined: others may have a turn. */
  readonly names: Generator<ByteName | undefined, void>;
  /** What the globs have matched of its path. */
  readonly globs: Globs;
}

interface Globs {
  readonly include: GlobPlace;
  readonly exclude: GlobPlace;
}

const OPERATION = 'read_tree';

/** What is opened is known to be a regular file. */
const READING = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** What has a name is found, a link itself, and not opened. `O_CLOEXEC`: of fcntl.h on Linux. */
const FOUND = O_PATH | constants.O_NOFOLLOW;
const O_CLOEXEC = 0o2000000;

/** Reads a folder and all that is in it as an archive, each file after the folder that it is in. */
export function* readTree(agent: Agent, args: ReadTreeArgs): Steps {
  const reader = new TreeReader(agent, args);
  try {
    yield* reader.read();
  } finally {
    reader.close();
  }
}

class TreeReader {
  readonly #agent: Agent;
  readonly #path: string;
  readonly #pieces = new TreePieces();
  readonly #turn = new Turn();
  readonly #levels: Level[] = [];
  readonly #room = newTreeRoom();
  readonly #links = new HardLinks(this.#room);
  readonly #globs: Globs;
  readonly #hasGlobs: boolean;

  constructor(agent: Agent, { exclude, include, path }: ReadTreeArgs) {
    this.#agent = agent;
    this.#path = path;
    this.#hasGlobs = include.length + exclude.length > 0;
    this.#globs = {
      include: include.length === 0 ? EVERYTHING : anyOf(include.map(compileGlob)),
      exclude: anyOf(exclude.map(compileGlob)),
    };
  }

  *read(): Steps {
    yield* this.#start();
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      const { done, value: name } = level.names.next();
      if (done === true) this.#leave();
      else if (name !== undefined) yield* this.#named(level, name);
      if (this.#turn.step()) yield* this.#pause();
    }
    yield* this.#bytes(Buffer.alloc(ARCHIVE_END_BYTES));
    if (this.#pieces.filled > 0) yield this.#pieces.take();
  }

  /** Frees what it holds. */
  close(): void {
    while (this.#levels.length > 0) this.#leave();
    this.#room.close();
  }

  *#start(): Steps {
    const folder = this.#agent.places.find(this.#path, { follow: true });
    yield* this.#holding(folder, './', (stats) => {
      if (!stats.isDirectory()) throw this.#fault('NOT_A_DIRECTORY', './', 'ENOTDIR');
      return this.#folder(folder, stats, { path: './', globs: this.#globs, isTold: true });
    });
  }

  /** Adds what has a name in a folder, unless it is gone. */
  *#named(level: Level, name: ByteName): Steps {
    const path = level.path + name;
    const globs = this.#hasGlobs ? entered(level.globs, name) : level.globs;
    if (globs.exclude.matches || !(globs.include.matches || globs.include.goesOn)) return;
    let found: number;
    try {
      found = this.#find(level.folder, name);
    } catch (error) {
      const fault = faultOf(error, OPERATION, this.#shown(path));
      if (fault.reason === 'FILE_NOT_FOUND') return;
      throw fault;
    }
    yield* this.#holding(found, path, (stats) => {
      const isTold = globs.include.matches;
      if (stats.isDirectory()) {
        return this.#folder(found, stats, { path: `${path}/`, globs, isTold });
      }
      if (!isTold) return NOTHING;
      if (stats.isFile()) return this.#file(found, stats, path);
      if (stats.isSymbolicLink()) return this.#symlink(level, name, stats);
      throw this.#fault('NOT_A_REGULAR_FILE', path);
    });
  }

  /** Without a look at the paths of proc(5) where that can be: there are many files. */
  #find(folder: number, name: ByteName): number {
    const { confinement, native } = this.#agent.places;
    if (native === undefined || confinement !== 'openat2') {
      return openSync(bytesOfName(`${pathOf(folder)}/${name}`), FOUND);
    }
    return native.openBeneath(folder, bytesOfName(name), FOUND | O_CLOEXEC, 0);
  }

  /** Does something with what was found, and closes it, unless it was entered. */
  *#holding(
    found: number,
    path: ByteName,
    use: (stats: BigIntStats) => Iterable<Uint8Array | undefined>,
  ): Steps {
    try {
      yield* use(fstatSync(found, { bigint: true }));
    } catch (error) {
      throw faultOf(error, OPERATION, this.#shown(path));
    } finally {
      if (this.#levels.at(-1)?.folder !== found) closeSync(found);
    }
  }

  *#file(found: number, stats: BigIntStats, path: ByteName): Steps {
    const earlier = stats.nlink > 1n ? this.#links.pathOf(stats, path) : undefined;
    if (earlier !== undefined) {
      yield* this.#bytes(
        headersOf(memberOf(stats, { kind: 'hard-link', path, linkPath: earlier })),
      );
      return;
    }
    const size = Number(stats.size);
    yield* this.#bytes(headersOf(memberOf(stats, { kind: 'file', path, size })));
    if (size > 0) yield* this.#content(found, size, path);
  }

  *#content(found: number, size: number, path: ByteName): Steps {
    const opened = openSync(pathOf(found), READING);
    try {
      for (let left = size; left > 0; ) {
        yield* this.#makeRoom();
        const read = this.#pieces.read(opened, left);
        if (read === 0) throw this.#fault('FILE_CHANGED', path);
        left -= read;
      }
    } finally {
      closeSync(opened);
    }
    // There is room: a piece is a number of blocks.
    this.#pieces.addZeros(paddingOf(size));
  }

  *#symlink({ folder, path }: Level, name: ByteName, stats: BigIntStats): Steps {
    // By its name: a descriptor of a link cannot be read by node:fs.
    const at = bytesOfName(`${pathOf(folder)}/${name}`);
    const linkPath = readlinkSync(at, { encoding: 'latin1' });
    const member = memberOf(stats, { kind: 'symlink', path: path + name, linkPath });
    yield* this.#bytes(headersOf(member));
  }

  /** What is in it comes next. */
  *#folder(
    folder: number,
    stats: BigIntStats,
    { globs, isTold, path }: { path: ByteName; globs: Globs; isTold: boolean },
  ): Steps {
    if (isTold) yield* this.#bytes(headersOf(memberOf(stats, { kind: 'folder', path })));
    if (!globs.include.goesOn) return;
    if (this.#levels.length >= MAX_TREE_LEVELS) throw this.#tooDeep(path);
    const names = sortedNames(folder, this.#shown(path), this.#room);
    this.#levels.push({ folder, path, names, globs });
  }

  #leave(): void {
    const level = this.#levels.pop();
    if (level === undefined) return;
    level.names.return();
    closeSync(level.folder);
  }

  /** Adds bytes, wherever a piece ends. */
  *#bytes(bytes: Buffer): Steps {
    for (let at = 0; at < bytes.length; ) {
      yield* this.#makeRoom();
      at += this.#pieces.add(bytes, at);
    }
  }

  *#makeRoom(): Steps {
    if (this.#pieces.room > 0) return;
    this.#pieces.begin(yield this.#pieces.take());
    this.#turn.begin();
  }

  /** Others have a turn. */
  *#pause(): Steps {
    yield undefined;
    this.#turn.begin();
  }

  /** A path in the archive, as the call would spell it. */
  #shown(path: ByteName): string {
    return joinPath(this.#path, textOfName(path.slice(2).replace(/\/$/, ''))).replace(
      /(?<=.)\/$/,
      '',
    );
  }

  #fault(reason: Reason, path: ByteName, errnoName = ''): FileFault {
    return new FileFault(reason, { operation: OPERATION, path: this.#shown(path), errnoName });
  }

  #tooDeep(path: ByteName): FileFault {
    const message = `a tree has at most ${MAX_TREE_LEVELS} levels`;
    return new FileFault(
      'LIMIT_EXCEEDED',
      { operation: OPERATION, path: this.#shown(path), message },
      { limit: 'max_tree_levels', maximum: String(MAX_TREE_LEVELS) },
    );
  }
}

const NOTHING: readonly never[] = [];

function entered({ exclude, include }: Globs, name: ByteName): Globs {
  const text = textOfName(name);
  return { include: include.enter(text), exclude: exclude.enter(text) };
}

const NS_PER_SECOND = 1_000_000_000n;

function memberOf(
  { gid, mode, mtimeNs, uid }: BigIntStats,
  rest: Pick<WrittenMember, 'kind' | 'path'> & Partial<WrittenMember>,
): WrittenMember {
  const nanos = ((mtimeNs % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  return {
    linkPath: '',
    size: 0,
    mode: Number(mode) & 0o7777,
    uid: Number(uid),
    gid: Number(gid),
    mtimeSeconds: Number((mtimeNs - nanos) / NS_PER_SECOND),
    mtimeNanos: Number(nanos),
    ...rest,
  };
}

import { type BigIntStats, closeSync, constants, fstatSync, openSync, readlinkSync } from 'node:fs';
import type { Reason } from '../../errors.ts';
import { MAX_TREE_LEVELS, MAX_TREE_NAMES_BYTES } from '../../limits.ts';
import { FileFault, faultOf } from '../file-fault.ts';
import { paddingOf } from '../tar/tar-format.ts';
import { ARCHIVE_END_BYTES, headersOf, type WrittenMember } from '../tar/tar-writer.ts';
import type { Agent } from './agent.ts';
import { type ByteName, bytesOfName, joinPath, textOfName } from './byte-name.ts';
import { HardLinks } from './hard-links.ts';
import { openNames } from './names-in.ts';
import { O_PATH, pathOf } from './places.ts';
import { TreePieces } from './tree-pieces.ts';
import { Turn } from './turn.ts';

/** What is read as an archive. */
export interface ReadTreeArgs {
  readonly path: string;
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
  /** What is in it, sorted by bytes. */
  readonly names: readonly ByteName[];
  next: number;
}

const OPERATION = 'read_tree';

/** Bytes of memory of a name beside itself, about. */
const NAME_BYTES = 32;

/** What is opened is known to be a regular file. */
const READING = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

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
  readonly #links = new HardLinks();
  #namesBytes = 0;

  constructor(agent: Agent, { path }: ReadTreeArgs) {
    this.#agent = agent;
    this.#path = path;
  }

  *read(): Steps {
    yield* this.#start();
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      const name = level.names[level.next];
      level.next += 1;
      if (name === undefined) this.#leave();
      else yield* this.#named(level, name);
      if (this.#turn.step()) yield* this.#pause();
    }
    yield* this.#bytes(Buffer.alloc(ARCHIVE_END_BYTES));
    if (this.#pieces.filled > 0) yield this.#pieces.take();
  }

  /** Frees what it holds. */
  close(): void {
    while (this.#levels.length > 0) this.#leave();
  }

  *#start(): Steps {
    const folder = this.#agent.places.find(this.#path, { follow: true });
    yield* this.#holding(folder, './', (stats) => {
      if (!stats.isDirectory()) throw this.#fault('NOT_A_DIRECTORY', './', 'ENOTDIR');
      return this.#folder(folder, stats, './');
    });
  }

  /** Adds what has a name in a folder, unless it is gone. */
  *#named(level: Level, name: ByteName): Steps {
    const path = level.path + name;
    const at = bytesOfName(`${pathOf(level.folder)}/${name}`);
    let found: number;
    try {
      found = openSync(at, O_PATH | constants.O_NOFOLLOW);
    } catch (error) {
      const fault = faultOf(error, OPERATION, this.#shown(path));
      if (fault.reason === 'FILE_NOT_FOUND') return;
      throw fault;
    }
    yield* this.#holding(found, path, (stats) => {
      if (stats.isFile()) return this.#file(found, stats, path);
      if (stats.isDirectory()) return this.#folder(found, stats, `${path}/`);
      if (stats.isSymbolicLink()) return this.#symlink(at, stats, path);
      throw this.#fault('NOT_A_REGULAR_FILE', path);
    });
  }

  /** Does something with what was found, and closes it, unless it was entered. */
  *#holding(found: number, path: ByteName, use: (stats: BigIntStats) => Steps): Steps {
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

  *#symlink(at: Buffer, stats: BigIntStats, path: ByteName): Steps {
    // By its name: a descriptor of a link cannot be read by node:fs.
    const linkPath = readlinkSync(at, { encoding: 'latin1' });
    yield* this.#bytes(headersOf(memberOf(stats, { kind: 'symlink', path, linkPath })));
  }

  /** What is in it comes next. */
  *#folder(folder: number, stats: BigIntStats, path: ByteName): Steps {
    yield* this.#bytes(headersOf(memberOf(stats, { kind: 'folder', path })));
    if (this.#levels.length >= MAX_TREE_LEVELS) throw this.#limit('levels', MAX_TREE_LEVELS, path);
    const names: ByteName[] = [];
    const reading = openNames(folder);
    try {
      for (let some = reading.read(); some.length > 0; some = reading.read()) {
        for (const name of some) {
          names.push(name);
          this.#namesBytes += NAME_BYTES + name.length;
        }
        if (this.#namesBytes > MAX_TREE_NAMES_BYTES) {
          throw this.#limit('names_bytes', MAX_TREE_NAMES_BYTES, path);
        }
        if (this.#turn.step()) yield* this.#pause();
      }
    } finally {
      reading.close();
    }
    this.#levels.push({ folder, path, names: names.sort(), next: 0 });
  }

  #leave(): void {
    const level = this.#levels.pop();
    if (level === undefined) return;
    closeSync(level.folder);
    for (const name of level.names) this.#namesBytes -= NAME_BYTES + name.length;
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

  #limit(limit: string, maximum: number, path: ByteName): FileFault {
    const message = `a tree has at most ${maximum} ${limit.replace('_', ' ')}`;
    return new FileFault(
      'LIMIT_EXCEEDED',
      { operation: OPERATION, path: this.#shown(path), message },
      { limit: `max_tree_${limit}`, maximum: String(maximum) },
    );
  }
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

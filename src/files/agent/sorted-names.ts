import { MAX_SORTED_BYTES } from '../../limits.ts';
import { FileFault } from '../file-fault.ts';
import type { ByteName } from './byte-name.ts';
import { openNames } from './names-in.ts';
import type { Room } from './walk-room.ts';

/** Names that are sorted at a time, which takes some milliseconds; these are then merged. */
const CHUNK_NAMES = 4096;

/** Bytes of a name beside its characters: of the string, and of its place in a list. */
const NAME_BYTES = 32;

/**
 * The names in a folder, in the order of their bytes; undefined: others may have a turn. However
 * many there are the memory is bounded: those that it has no room for are read again when those
 * before them are told. What comes or goes meanwhile may be told or not, nothing is told twice.
 *
 * @param folder a descriptor of it, which has to stay
 * @throws FileFault where there is no room at all; Error of the system
 */
export function* sortedNames(
  folder: number,
  path: string,
  room: Room,
): Generator<ByteName | undefined, void> {
  let after = '';
  for (;;) {
    const names = new LeastNames(room, path);
    try {
      yield* names.readAll(folder, after);
      for (const name of names.inOrder()) {
        after = name;
        yield name;
      }
      if (!names.more) return;
    } finally {
      names.close();
    }
  }
}

/** The first names in the order of their bytes, as many as there is room for. */
class LeastNames {
  readonly #room: Room;
  readonly #path: string;
  /** Each sorted, but the last. */
  #chunks: ByteName[][] = [[]];
  #bytes = 0;
  /** Of which names these and those after them were left out. */
  #cutAt: ByteName | undefined;

  constructor(room: Room, path: string) {
    this.#room = room;
    this.#path = path;
  }

  /** Whether there are others, behind them. */
  get more(): boolean {
    return this.#cutAt !== undefined;
  }

  /** Reads a folder; undefined: others may have a turn. */
  *readAll(folder: number, after: ByteName): Generator<undefined, void> {
    const names = openNames(folder);
    try {
      for (let some = names.read(); some.length > 0; some = names.read()) {
        for (const { name } of some) {
          if (name > after && (this.#cutAt === undefined || name < this.#cutAt)) this.#add(name);
        }
        yield undefined;
      }
    } finally {
      names.close();
    }
    this.#chunks.at(-1)?.sort();
  }

  *inOrder(): Generator<ByteName, void> {
    yield* merged(this.#chunks);
  }

  close(): void {
    this.#room.give(this.#bytes);
    this.#bytes = 0;
    this.#chunks = [];
  }

  #add(name: ByteName): void {
    const bytes = bytesOf(name);
    while (this.#bytes + bytes > MAX_SORTED_BYTES || !this.#room.take(bytes)) {
      this.#cut();
      if (this.#cutAt !== undefined && name >= this.#cutAt) return;
    }
    this.#bytes += bytes;
    const chunk = this.#chunks.at(-1) ?? [];
    chunk.push(name);
    if (chunk.length < CHUNK_NAMES) return;
    chunk.sort();
    this.#chunks.push([]);
  }

  /** Leaves the latter half of them for another time. */
  #cut(): void {
    this.#chunks.at(-1)?.sort();
    const kept: ByteName[] = [];
    let bytes = 0;
    for (const name of merged(this.#chunks)) {
      bytes += bytesOf(name);
      if (bytes > this.#bytes / 2) {
        this.#cutAt = name;
        break;
      }
      kept.push(name);
    }
    if (kept.length === 0) {
      throw new FileFault(
        'LIMIT_EXCEEDED',
        { operation: 'walk_directory', path: this.#path, message: 'too many walks at one time' },
        { limit: 'max_walks_bytes' },
      );
    }
    const left = kept.reduce((sum, name) => sum + bytesOf(name), 0);
    this.#room.give(this.#bytes - left);
    this.#bytes = left;
    this.#chunks = [kept, []];
  }
}

function bytesOf(name: ByteName): number {
  return name.length + NAME_BYTES;
}

/** Of lists that are sorted, all in order. */
function* merged(lists: readonly (readonly ByteName[])[]): Generator<ByteName, void> {
  const heads = lists.filter((list) => list.length > 0).map((list) => ({ list, at: 0 }));
  while (heads.length > 0) {
    let least = 0;
    let name = '';
    for (const [index, { at, list }] of heads.entries()) {
      const candidate = list[at] ?? '';
      if (index > 0 && candidate >= name) continue;
      least = index;
      name = candidate;
    }
    yield name;
    const head = heads[least];
    if (head !== undefined && ++head.at >= head.list.length) heads.splice(least, 1);
  }
}

import type { BigIntStats } from 'node:fs';
import type { ByteName } from './byte-name.ts';
import type { Room } from './walk-room.ts';

/** Bytes of memory beside a path, about. */
const ENTRY_BYTES = 128;

/**
 * Where files were seen that have more names than one. Each is forgotten with its last name; there
 * are as many as there is memory for: a file beyond that comes once for each of its names.
 */
export class HardLinks {
  readonly #seen = new Map<string, { readonly path: ByteName; left: bigint }>();
  readonly #room: Room;

  constructor(room: Room) {
    this.#room = room;
  }

  /** The path under which a file was seen; undefined: it was not, and will be by this one. */
  pathOf({ dev, ino, nlink }: BigIntStats, path: ByteName): ByteName | undefined {
    const key = `${dev}.${ino}`;
    const found = this.#seen.get(key);
    if (found !== undefined) {
      found.left -= 1n;
      if (found.left <= 0n) {
        this.#seen.delete(key);
        this.#room.give(ENTRY_BYTES + found.path.length);
      }
      return found.path;
    }
    if (this.#room.take(ENTRY_BYTES + path.length)) {
      this.#seen.set(key, { path, left: nlink - 1n });
    }
    return undefined;
  }
}

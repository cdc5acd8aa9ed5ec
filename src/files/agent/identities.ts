import { randomBytes } from 'node:crypto';
import type { Room } from './walk-room.ts';

/** What a file is, whatever its names: inode(7). */
export interface Identity {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** That of a file, and nothing more of it. */
export function identityOf({ dev, ino }: Identity): Identity {
  return { dev, ino };
}

/** Whether two are of the same file. */
export function isSame(a: Identity, b: Identity): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

/** Files that were seen, in some bytes for each. */
export class Identities {
  readonly #room: Room;
  readonly #devices = new Map<bigint, Inodes>();

  constructor(room: Room) {
    this.#room = room;
  }

  /** Adds one. @returns `full`: there is no room for more */
  add({ dev, ino }: Identity): 'added' | 'known' | 'full' {
    const inodes = this.#devices.get(dev) ?? new Inodes(this.#room);
    this.#devices.set(dev, inodes);
    return inodes.add(ino);
  }
}

const BYTES_PER_SLOT = 8;
const FIRST_BITS = 6n;

/** Multiplies to numbers that nobody who chooses inodes can choose. */
const SEED = randomBytes(8).readBigUInt64LE() | 1n;

/** Numbers of one device, in a table whose free places are 0; 0 itself is no inode. */
class Inodes {
  readonly #room: Room;
  #bits = FIRST_BITS;
  #slots = new BigUint64Array(0);
  #count = 0;

  constructor(room: Room) {
    this.#room = room;
  }

  add(ino: bigint): 'added' | 'known' | 'full' {
    if (this.#find(ino) >= 0 && this.#slots[this.#find(ino)] === ino) return 'known';
    if (this.#count >= this.#slots.length / 2 && !this.#grow()) return 'full';
    this.#slots[this.#find(ino)] = ino;
    this.#count += 1;
    return 'added';
  }

  /** The place of a number, or the free one that it gets; -1: there are no places. */
  #find(ino: bigint): number {
    const { length } = this.#slots;
    if (length === 0) return -1;
    let at = Number(BigInt.asUintN(64, ino * SEED) >> (64n - this.#bits));
    while (this.#slots[at] !== 0n && this.#slots[at] !== ino) at = (at + 1) % length;
    return at;
  }

  #grow(): boolean {
    const before = this.#slots;
    const bits = before.length === 0 ? FIRST_BITS : this.#bits + 1n;
    const length = 2 ** Number(bits);
    if (!this.#room.take((length - before.length) * BYTES_PER_SLOT)) return false;
    this.#bits = bits;
    this.#slots = new BigUint64Array(length);
    for (const ino of before) {
      if (ino !== 0n) this.#slots[this.#find(ino)] = ino;
    }
    return true;
  }
}

import { closeSync, constants, type Dir, opendirSync, openSync } from 'node:fs';
import { loadKoffi } from '../../koffi.ts';
import type { ByteName } from './byte-name.ts';
import { systemError } from './native.ts';
import { pathOf } from './places.ts';

/** A name in a folder. */
export interface FoundName {
  readonly name: ByteName;
  /** Whether it is one of a folder itself; undefined: the file system does not say. */
  readonly isFolder: boolean | undefined;
}

/** Reads what is in a folder a part at a time, in no order, without `.` and `..`. */
export interface NamesIn {
  /**
   * Some names more; none: these were all.
   *
   * @throws Error of the system
   */
  read(): readonly FoundName[];
  close(): void;
}

/** Bytes of names that are read at a time: what the C library reads. */
const PART_BYTES = 32 * 1024;

/** Names that are read at a time where there is no getdents64(2). */
const PART_NAMES = 256;

/**
 * Opens a folder to read what is in it.
 *
 * @param folder a descriptor of it, which is not needed any more then
 * @throws Error of the system
 */
export function openNames(folder: number): NamesIn {
  const getdents = loadGetdents();
  return getdents === undefined ? throughDir(folder) : throughGetdents(folder, getdents);
}

/** getdents64(2): how many bytes it has written. */
type Getdents = (descriptor: number, into: Buffer) => number;

/** `struct linux_dirent64`: inode and offset, then the length of the entry, its kind, its name. */
const LENGTH_AT = 16;
const KIND_AT = 18;
const NAME_AT = 19;
const DT_UNKNOWN = 0;
const DT_DIR = 4;

function throughGetdents(folder: number, getdents: Getdents): NamesIn {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY;
  const descriptor = openSync(pathOf(folder), flags);
  const part = Buffer.allocUnsafe(PART_BYTES);
  return {
    read() {
      for (;;) {
        const length = getdents(descriptor, part);
        if (length === 0) return [];
        const names = namesOf(part.subarray(0, length));
        if (names.length > 0) return names;
      }
    },
    close: () => closeSync(descriptor),
  };
}

function namesOf(part: Buffer): FoundName[] {
  const names: FoundName[] = [];
  for (let at = 0; at < part.length; at += part.readUInt16LE(at + LENGTH_AT)) {
    const name = part.toString('latin1', at + NAME_AT, part.indexOf(0, at + NAME_AT));
    if (name === '.' || name === '..') continue;
    const kind = part[at + KIND_AT];
    names.push({ name, isFolder: kind === DT_UNKNOWN ? undefined : kind === DT_DIR });
  }
  return names;
}

/**
 * By node:fs, as bytes: where a file system does not say what its files are it looks at each by its
 * name, and one that is gone by then is an error that the whole reading fails with.
 */
function throughDir(folder: number): NamesIn {
  const dir = opendirSync(pathOf(folder), {
    // What opendir(3) is given; the types know of encodings of texts alone.
    encoding: 'buffer' as BufferEncoding,
    bufferSize: PART_NAMES,
  });
  return {
    read() {
      const names: FoundName[] = [];
      while (names.length < PART_NAMES) {
        const name = nextIn(dir);
        if (name === undefined) break;
        names.push(name);
      }
      return names;
    },
    close: () => dir.closeSync(),
  };
}

function nextIn(dir: Dir): FoundName | undefined {
  const entry = dir.readSync();
  const name: unknown = entry?.name;
  if (entry === null || !Buffer.isBuffer(name)) return undefined;
  return { name: name.toString('latin1'), isFolder: entry.isDirectory() };
}

let loaded: { readonly getdents: Getdents | undefined } | undefined;

function loadGetdents(): Getdents | undefined {
  loaded ??= { getdents: findGetdents() };
  return loaded.getdents;
}

function findGetdents(): Getdents | undefined {
  try {
    const koffi = loadKoffi();
    const getdents64 = koffi
      .load(null)
      .func('long getdents64(int folder, void *entries, size_t size)');
    return (descriptor, into) => {
      const length = Number(getdents64(descriptor, into, into.length));
      if (length < 0) throw systemError('getdents64', koffi.errno());
      return length;
    };
  } catch {
    return undefined;
  }
}

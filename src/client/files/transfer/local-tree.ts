import { constants } from 'node:fs';
import { type FileHandle, link, lutimes, mkdir, open, symlink, unlink } from 'node:fs/promises';
import { RunletClientError } from '../../client-error.ts';
import { type ByteText, below, bytesOf, lstatOf } from './local-path.ts';

/** What is kept of a file beside its content. */
export interface Kept {
  /** Permission bits. */
  readonly mode: number;
  /** When its content was changed last, in nanoseconds since 1970. */
  readonly modifyTimeNs: bigint;
}

/** Permission bits that are kept: what would act as its owner or group is not. */
const KEPT_MODE = 0o1777;

/** Without following a link that has taken its place. */
const FOLDER_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * A new folder that is filled with what a server sends. All of it is in the folder: names do not
 * lead out, and nothing is made below a link.
 */
export class LocalTree {
  readonly #root: ByteText;
  /** The folders that were made, and what is still to be set of them. */
  readonly #folders = new Map<ByteText, Kept | undefined>();

  /** `root` is there, is empty, and nobody else writes to it. */
  constructor(root: ByteText) {
    this.#root = root;
    this.#folders.set('', undefined);
  }

  /** Makes a folder, or says what one has to be like. */
  async folder(path: ByteText, kept: Kept): Promise<void> {
    const names = namesOf(path);
    await this.#makeFolders(names);
    this.#folders.set(names.join('/'), kept);
  }

  /** Whether a file is there already, with so many bytes, as it was written last. */
  async has(path: ByteText, size: number, { modifyTimeNs }: Kept): Promise<boolean> {
    const stats = await lstatOf((await this.#placeOf(path)).toString('latin1'));
    if (stats === undefined || !stats.isFile() || stats.size !== size) return false;
    return Math.trunc(Number(stats.mtimeMs)) === Number(modifyTimeNs / 1_000_000n);
  }

  /** Makes a file, of which `write` writes the content. */
  async file(
    path: ByteText,
    kept: Kept,
    write: (handle: FileHandle) => Promise<unknown>,
  ): Promise<void> {
    const place = await this.#placeOf(path);
    const handle = await open(place, 'wx', 0o600);
    try {
      await write(handle);
      await finishFile(handle, kept);
    } finally {
      await handle.close();
    }
  }

  /** Makes a link, where it leads is not looked at. */
  async symlink(path: ByteText, target: ByteText, { modifyTimeNs }: Kept): Promise<void> {
    const place = await this.#placeOf(path);
    await symlink(bytesOf(target), place);
    const time = secondsOf(modifyTimeNs);
    await lutimes(place, time, time);
  }

  /** Makes another name of a file that is in the folder. */
  async link(path: ByteText, target: ByteText): Promise<void> {
    const place = await this.#placeOf(path);
    const first = await this.#placeOf(target);
    if (!(await lstatOf(first.toString('latin1')))?.isFile()) throw outside(target);
    await link(first, place);
  }

  /** Takes away what is at a path, which is no folder, if there is anything. */
  async clear(path: ByteText): Promise<void> {
    const place = await this.#placeOf(path);
    if ((await lstatOf(place.toString('latin1'))) !== undefined) await unlink(place);
  }

  /** All is in its place, at `root`. Sets what is kept of folders, the deepest first. */
  async finish(root: ByteText): Promise<void> {
    for (const [path, kept] of [...this.#folders].reverse()) {
      if (kept === undefined) continue;
      const handle = await open(bytesOf(path === '' ? root : below(root, path)), FOLDER_FLAGS);
      try {
        await finishFile(handle, kept);
      } finally {
        await handle.close();
      }
    }
  }

  /** The path of something whose folder is there then. */
  async #placeOf(path: ByteText): Promise<Buffer> {
    const names = namesOf(path);
    if (names.length === 0) throw outside(path);
    await this.#makeFolders(names.slice(0, -1));
    return bytesOf(below(this.#root, names.join('/')));
  }

  async #makeFolders(names: readonly ByteText[]): Promise<void> {
    for (let depth = 1; depth <= names.length; depth += 1) {
      const folder = names.slice(0, depth).join('/');
      if (this.#folders.has(folder)) continue;
      // It fails where there is anything, a link for one.
      await mkdir(bytesOf(below(this.#root, folder)), 0o700);
      this.#folders.set(folder, undefined);
    }
  }
}

/** Sets what is kept of an open file or folder. */
export async function finishFile(handle: FileHandle, { mode, modifyTimeNs }: Kept): Promise<void> {
  await handle.chmod(mode & KEPT_MODE);
  const time = secondsOf(modifyTimeNs);
  await handle.utimes(time, time);
}

const NS_PER_SECOND = 1_000_000_000n;

/** The least that a time of these days can be more than another, in seconds: it has 53 bits. */
const TICK_SECONDS = 2 ** -22;

/**
 * A time for functions of Node.js, which cut off what is less than nanoseconds: it would be a
 * millisecond less for who looks at those, where a number is a little less than the time.
 */
function secondsOf(ns: bigint): number {
  const seconds = Number(ns) / 1e9;
  const whole = Math.floor(seconds);
  const set = BigInt(whole) * NS_PER_SECOND + BigInt(Math.floor((seconds - whole) * 1e9));
  return set < ns ? seconds + TICK_SECONDS : seconds;
}

/** The names that a path below a folder consists of. */
function namesOf(path: ByteText): readonly ByteText[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (path.startsWith('/') || path.includes('\0') || names.includes('..')) throw outside(path);
  return names;
}

function outside(path: ByteText): RunletClientError {
  const shown = bytesOf(path).toString();
  return new RunletClientError(
    'PROTOCOL',
    `the server sent ${shown}, which has no place in a folder`,
  );
}

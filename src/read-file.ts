import type { BigIntStats } from 'node:fs';
import { constants, open } from 'node:fs/promises';

/** A file as it was read. */
export interface FileRead {
  readonly bytes: Buffer;
  /** Of the very file that was read, whatever has taken its place since. */
  readonly stats: BigIntStats;
}

/** How {@link readRegularFile} reads. */
export interface FileReadOptions {
  /** More is an error. */
  readonly maxBytes: number;
  /** Looks at the file before it is read, and throws where it is not to be. Default: any will do. */
  readonly check?: ((stats: BigIntStats) => void) | undefined;
}

/** Bits of a mode that let others than a file's user write. */
const OTHERS_WRITE = 0o022n;

/**
 * Reads a file that has a bounded size. One that is a pipe or a device is not waited for.
 *
 * @throws Error that says what is wrong with it, without its path
 */
export async function readRegularFile(path: string, options: FileReadOptions): Promise<FileRead> {
  const { check, maxBytes } = options;
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(
    ({ code }: NodeJS.ErrnoException) => {
      throw new Error(`it cannot be read (${code})`);
    },
  );
  try {
    const stats = await file.stat({ bigint: true });
    if (!stats.isFile()) throw new Error('it is no file');
    check?.(stats);
    if (stats.size > maxBytes) throw new Error(`it has more than ${maxBytes} bytes`);
    // One more, to see that it grows.
    const bytes = Buffer.alloc(Number(stats.size) + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length === bytes.length) break;
    }
    const after = await file.stat({ bigint: true });
    if (printOf(after) !== printOf(stats)) throw new Error('it changes while it is read');
    return { bytes: bytes.subarray(0, length), stats };
  } finally {
    await file.close();
  }
}

/**
 * Looks whether nobody but this user and root can have written a file: whoever can write what
 * says who is let in is let in.
 *
 * @throws Error that says what is wrong with it
 */
export function assertOwnFile(stats: Pick<BigIntStats, 'mode' | 'uid'>): void {
  if (stats.uid !== 0n && Number(stats.uid) !== process.geteuid?.()) {
    throw new Error('it belongs to another user; it must be of root or of this user');
  }
  assertUnwritable(stats);
}

/**
 * Looks whether others than a file's user can write to it, its group included.
 *
 * @throws Error that says so
 */
export function assertUnwritable({ mode }: Pick<BigIntStats, 'mode'>): void {
  if ((mode & OTHERS_WRITE) !== 0n) throw new Error('other users can write to it (chmod go-w)');
}

/** Changes with every file that is put into a place, also through links, and with most writes. */
export function printOf({ ctimeNs, dev, ino, mtimeNs, size }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

import type { BigIntStats } from 'node:fs';
import { constants, type FileHandle, open } from 'node:fs/promises';

/** A file as it was read. */
export interface FileRead {
  readonly text: string;
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
 * Reads a file of UTF-8 that has a bounded size. One that is a pipe or a device is not waited for.
 *
 * @throws Error that says what is wrong with it, without its path
 */
export async function readRegularFile(path: string, options: FileReadOptions): Promise<FileRead> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      throw new Error(`it cannot be read (${error.code})`);
    },
  );
  try {
    const stats = await file.stat({ bigint: true });
    if (!stats.isFile()) throw new Error('it is no file');
    options.check?.(stats);
    return { text: await readAll(file, options.maxBytes), stats };
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
export function assertOwnFile({ mode, uid }: Pick<BigIntStats, 'mode' | 'uid'>): void {
  if (uid !== 0n && Number(uid) !== process.getuid?.()) {
    throw new Error('it belongs to another user');
  }
  if ((mode & OTHERS_WRITE) !== 0n) throw new Error('it can be written to by other users');
}

/** All of a file, which may grow meanwhile. */
async function readAll(file: FileHandle, maxBytes: number): Promise<string> {
  // One more, to see that there is more.
  const bytes = Buffer.alloc(maxBytes + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
    length += bytesRead;
    if (length > maxBytes) throw new Error(`it has more than ${maxBytes} bytes`);
    if (bytesRead === 0) return bytes.toString('utf8', 0, length);
  }
}

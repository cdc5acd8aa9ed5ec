import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';

/** A file that is open. */
export interface SpoolFile {
  /** Writes some of the bytes, and tells how many. */
  write(pieces: readonly Uint8Array[], position: number): Promise<number>;
  /** Reads some bytes, and tells how many: 0 at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

/** The part of the file system that segments are made of; tests have their own. */
export interface SpoolFiles {
  /** Makes a file that must not exist yet, for this user alone, to be written and read. */
  create(path: string): Promise<SpoolFile>;
  /** Removes a file's name. */
  remove(path: string): Promise<void>;
}

/** The files of the machine. */
export const systemFiles: SpoolFiles = {
  async create(path) {
    const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
    return systemFile(await open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600));
  },
  remove: unlink,
};

/** Opens a file of the machine that is there. */
export async function openToRead(path: string): Promise<SpoolFile> {
  return systemFile(await open(path, constants.O_RDONLY | constants.O_NOFOLLOW));
}

/** Writes all bytes, however many at a time. */
export async function writeFully(
  file: SpoolFile,
  pieces: readonly Uint8Array[],
  position: number,
): Promise<void> {
  let rest = pieces.filter(({ byteLength }) => byteLength > 0);
  let at = position;
  while (rest.length > 0) {
    const written = await file.write(rest, at);
    // Would go on for ever. No file does that.
    if (written <= 0) throw new Error('nothing was written');
    at += written;
    rest = skip(rest, written);
  }
}

/** Reads as many bytes as there are and fit, and tells how many. */
export async function readFully(
  file: SpoolFile,
  target: Uint8Array,
  position: number,
): Promise<number> {
  let done = 0;
  while (done < target.byteLength) {
    const read = await file.read(target.subarray(done), position + done);
    if (read === 0) break;
    done += read;
  }
  return done;
}

function systemFile(handle: FileHandle): SpoolFile {
  return {
    async write(pieces, position) {
      const { bytesWritten } = await handle.writev(pieces, position);
      return bytesWritten;
    },
    async read(target, position) {
      const { bytesRead } = await handle.read(target, 0, target.byteLength, position);
      return bytesRead;
    },
    truncate: (length) => handle.truncate(length),
    close: () => handle.close(),
  };
}

/** What is left of the pieces after their first `count` bytes. */
function skip(pieces: readonly Uint8Array[], count: number): Uint8Array[] {
  let left = count;
  let index = 0;
  for (const { byteLength } of pieces) {
    if (byteLength > left) break;
    left -= byteLength;
    index += 1;
  }
  const [first, ...others] = pieces.slice(index);
  return first === undefined ? [] : [first.subarray(left), ...others];
}

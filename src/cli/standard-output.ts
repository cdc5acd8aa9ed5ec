import { write } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { promisify } from 'node:util';

const writeFd = promisify(write);

/** One of our standard outputs, written to no faster than it is read. */
export interface StandardOutput {
  /** Resolves when all of it is written; rejects with `EPIPE` if nobody reads any more. */
  write(data: Uint8Array): Promise<void>;
}

/**
 * Opens standard output or standard error.
 *
 * Node's own streams write to a pipe synchronously, which would stop everything
 * here, signals too, while the reader is slow. So a blocking descriptor is
 * written to from the thread pool. One that does not block is watched by the
 * event loop; it is left to whoever made it so, since others may share it.
 */
export function openStandardOutput(fd: 1 | 2): StandardOutput {
  let stream: Writable | undefined;
  const follow = (opened: Writable): void => {
    stream = opened;
    // Told by the write that failed.
    stream.on('error', () => {});
  };
  if (isatty(fd)) follow(fd === 1 ? process.stdout : process.stderr);
  return {
    async write(data) {
      for (let rest = data; rest.byteLength > 0; ) {
        if (stream !== undefined) return writeStream(stream, rest);
        try {
          const { bytesWritten } = await writeFd(fd, rest);
          rest = rest.subarray(bytesWritten);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
          follow(new Socket({ fd, readable: false, writable: true }));
        }
      }
    },
  };
}

function writeStream(stream: Writable, data: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(data, (error) => (error ? reject(error) : resolve()));
  });
}

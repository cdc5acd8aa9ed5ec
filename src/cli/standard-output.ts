import { constants, fstatSync, openSync, write } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { isatty, ReadStream } from 'node:tty';
import { promisify } from 'node:util';

const writeFd = promisify(write);

/** One of our standard outputs, written to no faster than it is read. */
export interface StandardOutput {
  /** Resolves when all of it is written; rejects with `EPIPE` if nobody reads any more. */
  write(data: Uint8Array): Promise<void>;
}

const outputs = new Map<number, StandardOutput>();
let writesInThreads = 0;

/**
 * Standard output or standard error. What is written to one is written in its order.
 *
 * Node's own streams write to a pipe and to a terminal synchronously, which would stop
 * everything here, signals too, while nobody takes it. So both are opened once more, not
 * to block: how a descriptor is belongs to all who share it. Where that cannot be, it is
 * written to from the thread pool, until it shows that it does not block.
 */
export function standardOutput(fd: 1 | 2): StandardOutput {
  let output = outputs.get(fd);
  if (output === undefined) {
    output = inOrder(openOutput(fd));
    outputs.set(fd, output);
  }
  return output;
}

/** Whether a write waits in a thread: then exit(3) would wait for that thread, which may be for ever. */
export function isWritingInThread(): boolean {
  return writesInThreads > 0;
}

function inOrder(output: StandardOutput): StandardOutput {
  let last: Promise<void> = Promise.resolve();
  return {
    write(data) {
      const written = last.then(() => output.write(data));
      last = written.catch(() => {});
      return written;
    },
  };
}

function openOutput(fd: 1 | 2): StandardOutput {
  let stream: Writable | undefined;
  const follow = (opened: Writable | undefined): void => {
    stream = opened;
    // Told by the write that failed.
    stream?.on('error', () => {});
  };
  // One for writing alone would be set to block.
  follow(isatty(fd) ? new ReadStream(fd) : openPipeAnew(fd));
  return {
    async write(data) {
      for (let rest = data; rest.byteLength > 0; ) {
        if (stream !== undefined) return writeStream(stream, rest);
        writesInThreads += 1;
        try {
          const { bytesWritten } = await writeFd(fd, rest);
          rest = rest.subarray(bytesWritten);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
          follow(new Socket({ fd, readable: false, writable: true }));
        } finally {
          writesInThreads -= 1;
        }
      }
    },
  };
}

/** Undefined: it is no pipe, nobody reads it, or this system cannot. */
function openPipeAnew(fd: number): Writable | undefined {
  try {
    if (!fstatSync(fd).isFIFO()) return undefined;
    const anew = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
    return new Socket({ fd: anew, readable: false, writable: true });
  } catch {
    return undefined;
  }
}

function writeStream(stream: Writable, data: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(data, (error) => (error ? reject(error) : resolve()));
  });
}

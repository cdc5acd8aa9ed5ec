import { closeSync, constants, mkdtempSync, openSync, rmdirSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errnoNameOf } from './errno-name.ts';
import { type Libc, O_PATH } from './libc.ts';

/**
 * Holds a child that posix_spawn(3) is making at a point of its file actions, so
 * that something can be done to it before it becomes its program.
 *
 * The gate is a FIFO, fifo(7). The child opens it for writing and closes it, which
 * the reader here sees as end-of-file; then it opens it for reading, which blocks
 * until somebody has it open for writing. The FIFO has no name any more by then: the
 * child finds it by a descriptor that it has a copy of.
 */
export class SpawnGate {
  readonly #path: number;
  #reader: Socket | undefined;
  #writer: number | undefined;

  /** @throws NodeJS.ErrnoException with nothing left behind */
  constructor(libc: Libc) {
    const folder = mkdtempSync(join(tmpdir(), 'runlet-gate-'));
    const path = join(folder, 'fifo');
    try {
      if (libc.mkfifo(path, 0o600) !== 0) {
        throw Object.assign(new Error('mkfifo'), { code: errnoNameOf(libc.errno()) });
      }
      try {
        this.#path = openSync(path, O_PATH);
      } finally {
        unlinkSync(path);
      }
    } finally {
      rmdirSync(folder);
    }
  }

  /** Lets a child stop where these actions now end. Uses descriptor 2, which is to be set later. */
  addTo(libc: Libc, actions: Buffer): void {
    libc.fileActionsAddOpen(actions, 2, this.#name, constants.O_WRONLY, 0);
    libc.fileActionsAddClose(actions, 2);
    libc.fileActionsAddOpen(actions, 2, this.#name, constants.O_RDONLY, 0);
  }

  /**
   * Closes the gate before a child comes; `onArrival` is called when it stands there.
   *
   * @throws NodeJS.ErrnoException
   */
  close(onArrival: () => void): void {
    const fd = openSync(this.#name, constants.O_RDONLY | constants.O_NONBLOCK);
    this.#reader = new Socket({ fd, readable: true, writable: false });
    this.#reader.on('error', () => {});
    this.#reader.once('end', onArrival);
    this.#reader.resume();
  }

  /** Lets the child go on. */
  open(): void {
    // Opening a FIFO both ways never waits for another end. It counts as a writer until closed.
    this.#writer ??= openSync(this.#name, constants.O_RDWR);
  }

  /** The child is its program, or nothing: the gate is free for the next. */
  leave(): void {
    this.#reader?.destroy();
    this.#reader = undefined;
    if (this.#writer !== undefined) closeSync(this.#writer);
    this.#writer = undefined;
  }

  /** It will not be used again. */
  discard(): void {
    closeSync(this.#path);
  }

  /** The same in the child. */
  get #name(): string {
    return `/proc/self/fd/${this.#path}`;
  }
}

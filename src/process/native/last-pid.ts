import { closeSync, openSync, readSync } from 'node:fs';

/** The pid that the kernel gave last, in the pid namespace of this process. */
export class LastPid {
  readonly #fd: number | undefined;
  readonly #buffer = Buffer.alloc(128);

  constructor() {
    try {
      this.#fd = openSync('/proc/loadavg', 'r');
    } catch {
      // Without proc(5) nobody can say.
      this.#fd = undefined;
    }
  }

  /** The same, of one that is asked once. */
  take(): number {
    const last = this.read();
    if (this.#fd !== undefined) closeSync(this.#fd);
    return last;
  }

  /** The pid; 0: nobody can say. It is the last of the fields of proc_loadavg(5). */
  read(): number {
    if (this.#fd === undefined) return 0;
    const bytes = readSync(this.#fd, this.#buffer, 0, this.#buffer.byteLength, 0);
    const text = this.#buffer.toString('latin1', 0, bytes);
    return Number(text.slice(text.lastIndexOf(' ') + 1)) || 0;
  }
}

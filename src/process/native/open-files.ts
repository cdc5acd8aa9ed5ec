import { statSync } from 'node:fs';
import { type Libc, RLIMIT_NOFILE, RLIMIT_SIZE } from './libc.ts';

/** Descriptors that others in this process may open while it has the limit of its children. */
const SPARE = 256;

/**
 * The soft limit of open files that children get: the one that this process was started with,
 * which Node.js has raised since. A child gets the limits that its parent has when it is made. So
 * this process has the lower one while it makes a child, which costs nothing; but only
 * while it needs far fewer itself.
 */
export class OpenFiles {
  readonly soft: number;
  readonly #libc: Libc;
  readonly #lower: Buffer;
  readonly #own: Buffer;

  /** Undefined where children get the right one by themselves, or it is not known. */
  static create(libc: Libc, soft: number | undefined): OpenFiles | undefined {
    const own = Buffer.alloc(RLIMIT_SIZE);
    if (soft === undefined || libc.prlimit(0, RLIMIT_NOFILE, null, own) !== 0) return undefined;
    return BigInt(soft) < own.readBigUInt64LE(0) ? new OpenFiles(libc, soft, own) : undefined;
  }

  private constructor(libc: Libc, soft: number, own: Buffer) {
    this.#libc = libc;
    this.soft = soft;
    this.#own = own;
    this.#lower = Buffer.from(own);
    this.#lower.writeBigUInt64LE(BigInt(soft));
  }

  /** Whether this process could do with the lower limit now. Linux tells how many are open since 6.2. */
  fits(): boolean {
    const open = statSync('/proc/self/fd').size;
    return open > 0 && open + SPARE <= this.soft;
  }

  /** Whether this process has the lower limit from now on. */
  lower(lower: boolean): void {
    this.#libc.prlimit(0, RLIMIT_NOFILE, lower ? this.#lower : this.#own, null);
  }
}

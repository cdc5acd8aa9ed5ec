import type { BigIntStats } from 'node:fs';
import { constants, type FileHandle, open, stat } from 'node:fs/promises';
import type { Clock, Timer } from '../clock.ts';
import { MAX_POLICY_BYTES, POLICY_LOOK_MS } from '../limits.ts';
import { parsePolicy } from './parse-policy.ts';
import type { Policy } from './policy.ts';
import { PolicyError } from './policy-source.ts';

/** Where a policy file is, and who is told of it. */
export interface PolicyFileOptions {
  /** An absolute path. */
  readonly path: string;
  readonly clock: Clock;
  /** Another policy is in force. Not called for the first. */
  readonly onChange: (policy: Policy) => void;
  /** The file cannot be taken as it is now; what was in force stays. Once for each such file. */
  readonly onProblem: (error: PolicyError) => void;
}

/** A policy that is in a file, and is read again when that changes. */
export class PolicyFile {
  readonly #options: PolicyFileOptions;
  #policy: Policy;
  /** The file that was read last, whether or not it was taken. */
  #read: string;
  /** How it was found at the last look. */
  #found: string;
  #timer: Timer | undefined;
  #closed = false;

  /**
   * Reads it.
   *
   * @throws PolicyError
   */
  static async open(options: PolicyFileOptions): Promise<PolicyFile> {
    const { identity, policy } = await readPolicy(options.path);
    return new PolicyFile(options, policy, identity);
  }

  private constructor(options: PolicyFileOptions, policy: Policy, identity: string) {
    this.#options = options;
    this.#policy = policy;
    this.#read = identity;
    this.#found = identity;
    this.#wait();
  }

  /** The policy that is in force. */
  get policy(): Policy {
    return this.#policy;
  }

  /** Looks at the file no more. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** One look at a time: a file system may not answer for long. */
  #wait(): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.setTimer(POLICY_LOOK_MS, () => {
      void this.#look().then(() => this.#wait());
    });
  }

  async #look(): Promise<void> {
    const { path } = this.#options;
    const found = await stat(path, { bigint: true }).then(identityOf, missing);
    const settled = found === this.#found;
    this.#found = found;
    if (!settled || found === this.#read) return;
    try {
      const { identity, policy } = await readPolicy(path);
      // Another one by now, which may be half written: it is for the next look.
      if (identity !== found || this.#closed) return;
      this.#read = found;
      this.#policy = policy;
      this.#options.onChange(policy);
    } catch (error) {
      this.#read = found;
      if (!this.#closed) this.#options.onProblem(problemOf(error));
    }
  }
}

/**
 * Reads a policy from a file that nobody else may change.
 *
 * @throws PolicyError
 */
async function readPolicy(
  path: string,
): Promise<{ readonly identity: string; readonly policy: Policy }> {
  try {
    // What is no file, a pipe for one, must not be waited for.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const before = await file.stat({ bigint: true });
      assertOwn(before);
      const text = await readBounded(file);
      const after = identityOf(await file.stat({ bigint: true }));
      if (after !== identityOf(before)) throw new PolicyError('it changes while it is read');
      return { identity: after, policy: parsePolicy(text) };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw problemOf(error);
  }
}

/** Whoever can write it decides what this server lets be done. */
function assertOwn(stats: BigIntStats): void {
  if (!stats.isFile()) throw new PolicyError('it is not a file');
  const own = process.getuid?.() ?? 0;
  if (stats.uid !== 0n && stats.uid !== BigInt(own)) {
    throw new PolicyError('it belongs to another user; it must be of root or of this user');
  }
  if ((stats.mode & 0o022n) !== 0n) {
    throw new PolicyError('others may write it; remove that right (chmod go-w)');
  }
}

async function readBounded(file: FileHandle): Promise<string> {
  const buffer = Buffer.alloc(MAX_POLICY_BYTES + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
    length += bytesRead;
    if (length > MAX_POLICY_BYTES)
      throw new PolicyError(`it has more than ${MAX_POLICY_BYTES} bytes`);
    if (bytesRead === 0) break;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length));
  } catch {
    throw new PolicyError('it is not UTF-8');
  }
}

/** The same for two looks if, and only if, the file is the same and has not been written to. */
function identityOf({ ctimeNs, dev, ino, mode, mtimeNs, size, uid }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs, uid, mode].join();
}

/** How a file is found that cannot be looked at. */
function missing(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'EIO';
}

function problemOf(error: unknown): PolicyError {
  if (error instanceof PolicyError) return error;
  return new PolicyError(`it cannot be read: ${missing(error)}`);
}

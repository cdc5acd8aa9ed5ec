import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { errnoNameOf } from '../../../errno-name.ts';
import { RunletError } from '../../../errors.ts';
import type { Libc } from '../libc.ts';

/** Bytes that are kept of what bwrap(1) says: it says one line. */
const MAX_BYTES = 4096;

/** Errors by which the system says that there is no more of something. */
const LIMITS: ReadonlySet<string> = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM', 'ENOSPC']);

/**
 * What bwrap(1) writes to its standard error: why it could not make a sandbox. It stays in the pipe,
 * which has room for more than it says, until somebody wants to know.
 */
export class MonitorMessages {
  #fd: number | undefined;

  /** Takes over a descriptor. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** All that it says, when it has ended. */
  async whole(): Promise<string> {
    const fd = this.#fd;
    if (fd === undefined) return '';
    this.#fd = undefined;
    const socket = new Socket({ fd, readable: true, writable: false });
    let bytes = Buffer.alloc(0);
    socket.on('data', (data) => {
      bytes = Buffer.concat([bytes, data.subarray(0, MAX_BYTES - bytes.length)]);
    });
    socket.on('error', () => {});
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
    return bytes.toString('utf8').trim();
  }

  /** Nobody wants to know any more. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** A start that failed since its sandbox could not be made, by what bwrap(1) says of it. */
export function sandboxFailed(libc: Libc, said: string): RunletError {
  const [line = ''] = said.split('\n');
  const message = line.replace(/^bwrap: /, '') || 'it ended before it stood';
  const errnoName = errnoIn(libc, message);
  const step = LIMITS.has(errnoName) ? 'limits' : stepOf(message);
  return sandboxStartFailure(step, errnoName, message);
}

/** A start that failed in the making of its sandbox. */
export function sandboxStartFailure(step: string, errnoName: string, why: string): RunletError {
  const message = `the sandbox could not be made: ${why}`;
  return new RunletError('START_FAILED', {
    message,
    startFailure: { stage: 'SANDBOX', errnoName, message },
    sandboxFailure: { step, errnoName, message },
  });
}

/** What it was doing, by the words of bwrap(1). */
function stepOf(message: string): string {
  if (/namespace|uid map|gid map|setgroups|unshare/i.test(message)) return 'namespaces';
  if (/mount proc|\/proc\b/i.test(message)) return 'proc';
  if (/seccomp|filter/i.test(message)) return 'system_calls';
  if (/mount|bind|source path|tmpfs|pivot|mkdir|create|symlink|chmod/i.test(message))
    return 'files';
  return 'mechanism';
}

let errnosByText: ReadonlyMap<string, string> | undefined;

/** The error of the system that a message ends with; empty: it names none. */
function errnoIn(libc: Libc, message: string): string {
  errnosByText ??= new Map(
    Object.values(constants.errno).map((errno) => [libc.strerror(errno), errnoNameOf(errno)]),
  );
  for (const [text, name] of errnosByText) if (message.endsWith(`: ${text}`)) return name;
  return '';
}

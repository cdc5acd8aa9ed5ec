import { constants } from 'node:os';
import type { ExitStatus, ResourceUsage } from '../../output/event.ts';

/** What the first process of a sandbox says, see first.c. */
export type FirstMessage =
  /** It could not become its program. */
  | { readonly kind: 'failed'; readonly stage: FirstStage; readonly errno: number }
  /** It has become its program. */
  | { readonly kind: 'started' }
  /** It ended, and its number stays its own until {@link COLLECT}. */
  | { readonly kind: 'ended'; readonly status: ExitStatus; readonly usage: ResourceUsage }
  /** A socket was sent where it was asked for; or not: `errno` is not 0. */
  | { readonly kind: 'socket'; readonly errno: number };

/** At what it failed: entering its folder, taking its terminal, its limits, executing its program. */
export type FirstStage = 'cwd' | 'terminal' | 'limits' | 'program';

/** What it is told: to collect what ended. */
export const COLLECT = Buffer.from('C');

/** What it is told, with a socket: to send one of TCP over IPv4, or IPv6, through it. */
export const MAKE_SOCKET = { 4: Buffer.from('4'), 6: Buffer.from('6') } as const;

/** `enum` of first.c. */
const STAGES: Readonly<Record<number, FirstStage>> = {
  1: 'cwd',
  2: 'terminal',
  3: 'program',
  4: 'limits',
};

/** Bytes of a message by its first one: that, and what follows. */
const LENGTHS: Readonly<Record<string, number>> = { F: 6, S: 1, N: 5, E: 153 };

/** `CLD_EXITED` of waitid(2): the status is an exit code, otherwise a signal. */
const CLD_EXITED = 1;

/** Where `ru_maxrss` is in a `struct rusage`, in KiB. */
const MAXRSS_OFFSET = 32;

/** Puts together what the first process says. */
export class FirstMessages {
  #rest = Buffer.alloc(0);

  /**
   * The messages that are whole now. At most one of them is kept in part.
   *
   * @throws Error if it is none that there is
   */
  read(data: Buffer): readonly FirstMessage[] {
    const messages: FirstMessage[] = [];
    let rest = Buffer.concat([this.#rest, data]);
    while (rest.length > 0) {
      const length = LENGTHS[String.fromCharCode(rest[0] ?? 0)];
      if (length === undefined) throw new Error('the first process says what it cannot say');
      if (rest.length < length) break;
      messages.push(decode(rest.subarray(0, length)));
      rest = rest.subarray(length);
    }
    this.#rest = Buffer.from(rest);
    return messages;
  }
}

function decode(message: Buffer): FirstMessage {
  switch (String.fromCharCode(message[0] ?? 0)) {
    case 'S':
      return { kind: 'started' };
    case 'F':
      return {
        kind: 'failed',
        stage: STAGES[message.readUInt8(1)] ?? 'program',
        errno: message.readInt32LE(2),
      };
    case 'N':
      return { kind: 'socket', errno: message.readInt32LE(1) };
    default:
      return {
        kind: 'ended',
        status: statusOf(message.readInt32LE(1), message.readInt32LE(5)),
        usage: usageOf(message.subarray(9)),
      };
  }
}

function statusOf(code: number, status: number): ExitStatus {
  if (code === CLD_EXITED) return { code: status & 0xff };
  return { signal: status & 0x7f || constants.signals.SIGKILL };
}

/**
 * Reads a `struct rusage`, getrusage(2). The process was a copy of the first one until it
 * executed its program, which is far smaller than any: its peak is its own.
 */
function usageOf(usage: Buffer): ResourceUsage {
  const milliseconds = (offset: number): number =>
    Number(usage.readBigInt64LE(offset)) * 1000 + Number(usage.readBigInt64LE(offset + 8)) / 1000;
  return {
    userMs: milliseconds(0),
    systemMs: milliseconds(16),
    peakResidentBytes: Number(usage.readBigInt64LE(MAXRSS_OFFSET)) * 1024,
  };
}

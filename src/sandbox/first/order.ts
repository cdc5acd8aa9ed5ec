import type { Environment } from '../../environment/env-policy.ts';
import type { KernelLimit } from '../../process/native/resource-limits.ts';
import { bytesOfText, terminated } from '../../system-text.ts';

/** Descriptors that the first process of a sandbox has, see first.c. */
export const FIRST_DESCRIPTORS = { server: 3, order: 4, stdin: 5, stdout: 6, stderr: 7 } as const;

/** `TERMINAL` of first.c: its descriptors are the terminal of the program's session. */
const TERMINAL = 1;

/** Bytes of `struct order` without its limits, and of `struct limit`. */
const HEAD_BYTES = 24;
const LIMIT_BYTES = 24;

/** What the first process is told to start. */
export interface FirstOrder {
  /** A path inside. */
  readonly cwd: string;
  /** A path inside, from `cwd` unless it is absolute. */
  readonly program: string;
  readonly arg0: string;
  /** The arguments after the name. */
  readonly args: readonly string[];
  readonly env: Environment;
  /** Whether its descriptors are a terminal, which its session gets. */
  readonly hasTerminal: boolean;
  /** What the program is limited in: all that are not named it has from the first process. */
  readonly limits: readonly KernelLimit[];
  /** The highest descriptor that may be open when it begins. */
  readonly lastDescriptor: number;
}

/** An order as the first process reads it, `struct order` of first.c. */
export function encodeOrder(order: FirstOrder): Buffer {
  const { arg0, args, cwd, env, hasTerminal, lastDescriptor, limits, program } = order;
  const head = Buffer.alloc(HEAD_BYTES + limits.length * LIMIT_BYTES);
  head.writeUInt32LE(hasTerminal ? TERMINAL : 0, 0);
  head.writeUInt32LE(lastDescriptor, 4);
  head.writeUInt32LE(1 + args.length, 8);
  head.writeUInt32LE(env.size, 12);
  head.writeBigInt64LE(BigInt(limits.length), 16);
  for (const [index, { hard, resource, soft }] of limits.entries()) {
    const at = HEAD_BYTES + index * LIMIT_BYTES;
    head.writeBigInt64LE(BigInt(resource), at);
    head.writeBigUInt64LE(soft, at + 8);
    head.writeBigUInt64LE(hard, at + 16);
  }
  const variables = Array.from(env, ([name, value]) => `${name}=${value}`);
  const texts = terminated([cwd, program, arg0, ...args, ...variables]);
  return Buffer.concat([head, bytesOfText(texts)]);
}

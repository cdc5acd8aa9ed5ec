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
export function encodeOrder(what: FirstOrder): Buffer {
  const { arg0, args, cwd, env, hasTerminal, lastDescriptor, limits, program } = what;
  // It is made anew for every start, so that what is simple here is quick.
  let texts = terminated([cwd, program, arg0, ...args]);
  for (const [name, value] of env) texts += `${name}=${value}\0`;
  const bytes = bytesOfText(texts);
  const textsAt = HEAD_BYTES + limits.length * LIMIT_BYTES;
  const order = Buffer.alloc(textsAt + bytes.length);
  order.writeUInt32LE(hasTerminal ? TERMINAL : 0, 0);
  order.writeUInt32LE(lastDescriptor, 4);
  order.writeUInt32LE(1 + args.length, 8);
  order.writeUInt32LE(env.size, 12);
  order.writeUInt32LE(limits.length, 16);
  let at = HEAD_BYTES;
  for (const { hard, resource, soft } of limits) {
    order.writeUInt32LE(resource, at);
    order.writeBigUInt64LE(soft, at + 8);
    order.writeBigUInt64LE(hard, at + 16);
    at += LIMIT_BYTES;
  }
  order.set(bytes, textsAt);
  return order;
}

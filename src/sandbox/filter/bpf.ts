/*
 * An assembler of the classic BPF that seccomp(2) takes: of the instructions that a filter of system
 * calls needs, see linux/filter.h and linux/bpf_common.h.
 */

/** Where a field is in `struct seccomp_data`, in bytes. */
export const NUMBER_AT = 0;
export const ARCHITECTURE_AT = 4;
const ARGUMENTS_AT = 16;

/**
 * Where the low 32 bits of an argument are, from 0: on machines that keep them first, as those
 * that this is for do.
 */
export function argumentAt(index: number): number {
  return ARGUMENTS_AT + 8 * index;
}

/** Bytes of a `struct sock_filter`. */
const INSTRUCTION_BYTES = 8;
/** Instructions that a jump can pass over. */
const MAX_JUMP = 255;

/** `BPF_LD | BPF_W | BPF_ABS`, `BPF_JMP | … | BPF_K` and `BPF_RET | BPF_K`. */
const LOAD = 0x20;
const JUMPS = { equal: 0x15, atLeast: 0x35, someBits: 0x45 } as const;
const RETURN = 0x06;
const SECCOMP_RET_ALLOW = 0x7fff_0000;
const SECCOMP_RET_ERRNO = 0x0005_0000;

/** How what was loaded is compared with a number: `someBits`, whether they have bits in common. */
export type Comparison = keyof typeof JUMPS;

/** Programs from which others are made. Each goes on with what follows it, unless it answers. */
export type Part = readonly Instruction[];

interface Instruction {
  readonly code: number;
  readonly value: number;
  /** Instructions that are passed over if a comparison holds, and if it does not. */
  readonly yes?: number;
  readonly no?: number;
}

/** Loads a field of `struct seccomp_data`, at its offset in bytes. */
export function load(offset: number): Part {
  return [{ code: LOAD, value: offset }];
}

/** Lets the system call be done. */
export const ALLOW: Part = [{ code: RETURN, value: SECCOMP_RET_ALLOW }];

/** Has the system call fail with an errno, by its number. */
export function refuse(errno: number): Part {
  return [{ code: RETURN, value: SECCOMP_RET_ERRNO | errno }];
}

/** Does what is in `then` if what was loaded compares so with one of the values. */
export function when(comparison: Comparison, values: readonly number[], then: Part): Part {
  const code = JUMPS[comparison];
  const tests = values.map((value, index): Instruction => {
    const later = values.length - 1 - index;
    // To the part: past the tests that are left. Else to the next, the last past the part.
    return { code, value, yes: later, no: later === 0 ? then.length : 0 };
  });
  return [...tests, ...then];
}

/** Does what is in `then` unless what was loaded is one of the values. */
export function unless(values: readonly number[], then: Part): Part {
  const tests = values.map((value, index): Instruction => {
    const later = values.length - 1 - index;
    return { code: JUMPS.equal, value, yes: later + then.length, no: 0 };
  });
  return [...tests, ...then];
}

/** What answers from a value on, up to that of the next one. */
export interface Range {
  readonly from: number;
  readonly answer: Part;
}

/**
 * Does what is in the range of what was loaded, each of which has to answer; what is below the first
 * is in that, too. It is searched for by halves: the kernel runs a filter for the number of every
 * system call when it is set, to know which it can let pass without.
 *
 * @param ranges in the order of their values, at least one
 */
export function inRange(ranges: readonly Range[]): Part {
  const [first] = ranges;
  if (first === undefined) throw new RangeError('there are no ranges');
  if (ranges.length === 1) return first.answer;
  const middle = ranges.length >> 1;
  const below = inRange(ranges.slice(0, middle));
  const value = ranges[middle]?.from ?? 0;
  const test = { code: JUMPS.atLeast, value, yes: below.length, no: 0 };
  return [test, ...below, ...inRange(ranges.slice(middle))];
}

/** The bytes of a program: `struct sock_filter[]` of a machine that keeps the low bytes first. */
export function assemble(...parts: readonly Part[]): Uint8Array {
  const instructions = parts.flat();
  const bytes = new Uint8Array(instructions.length * INSTRUCTION_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, { code, no = 0, value, yes = 0 }] of instructions.entries()) {
    if (Math.max(yes, no) > MAX_JUMP) throw new RangeError('a jump of a filter is too long');
    const at = index * INSTRUCTION_BYTES;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, yes);
    view.setUint8(at + 3, no);
    view.setUint32(at + 4, value, true);
  }
  return bytes;
}

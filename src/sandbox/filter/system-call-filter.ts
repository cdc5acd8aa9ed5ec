import { constants } from 'node:os';
import {
  ALLOW,
  ARCHITECTURE_AT,
  argumentAt,
  assemble,
  inRange,
  load,
  NUMBER_AT,
  type Part,
  type Range,
  refuse,
  unless,
  when,
} from './bpf.ts';
import { callNumber, type FilteredArch, refusedCalls } from './system-calls.ts';

const { EAFNOSUPPORT, ENOSYS, EPERM, EPROTONOSUPPORT } = constants.errno;

/** `AUDIT_ARCH_X86_64` and `AUDIT_ARCH_AARCH64` of linux/audit.h. */
const ARCHITECTURES = { x64: 0xc000_003e, arm64: 0xc000_00b7 } as const;

/** `__X32_SYSCALL_BIT`: numbers from here on are those of x32. */
const X32 = 0x4000_0000;

/** The flags `CLONE_NEW…` of clone(2). */
const NEW_NAMESPACES = 0x7e02_0000;
/** `CLONE_NEWTIME`, which is one of unshare(2) alone: to clone(2) it is a part of a signal. */
const NEW_TIME = 0x80;

/** Requests that put characters where somebody types: ioctl_tty(2), ioctl_console(2). */
const TYPING = { TIOCSTI: 0x5412, TIOCLINUX: 0x541c };

/** `AF_UNIX`, `AF_INET`, `AF_INET6` and `AF_NETLINK`: what programs use who use the network. */
const FAMILIES = [1, 2, 10, 16];
const AF_NETLINK = 16;
/** With which programs look at interfaces and addresses. */
const NETLINK_ROUTE = 0;

/**
 * `PER_LINUX` and `PER_LINUX32`, with and without `UNAME26` and `ADDR_NO_RANDOMIZE`, which
 * debuggers set; and what asks which it is. Others turn off what makes faults harder to use.
 */
const PERSONALITIES = [0, 0x2_0000, 0x4_0000, 0x6_0000].flatMap((flags) => [flags, flags | 8]);
const ASK_PERSONALITY = 0xffff_ffff;

/** Whether there is a filter for a kind of machine, as Node.js names it. */
export function isFiltered(arch: string): arch is FilteredArch {
  return Object.hasOwn(ARCHITECTURES, arch);
}

/**
 * What seccomp(2) is given for all that is in a sandbox: a compiled BPF program, which lets
 * everything be done but what could reach out of the namespaces, make others, or reach parts of the
 * kernel that few programs need and that had many faults. Such calls fail: with EPERM, or with what
 * the kernel answers where it lacks what is asked for, so that programs do without.
 *
 * The kernel looks at 32 bits where it takes 32 bits, and so do the comparisons here. What
 * pointers lead to cannot be looked at.
 */
export function systemCallFilter(arch: FilteredArch): Uint8Array {
  const call = (name: Parameters<typeof callNumber>[1]): number => callNumber(arch, name);
  return assemble(
    load(ARCHITECTURE_AT),
    // Programs of other kinds, with 32 bits, have other numbers.
    unless([ARCHITECTURES[arch]], refuse(ENOSYS)),
    load(NUMBER_AT),
    arch === 'x64' ? when('atLeast', [X32], refuse(ENOSYS)) : [],
    byNumber(
      new Map([
        ...refusedCalls(arch).map((number) => [number, refuse(EPERM)] as const),
        // Its flags are behind a pointer. C libraries use clone(2) where the kernel lacks it.
        [call('clone3'), refuse(ENOSYS)],
        [call('clone'), looking(0, when('someBits', [NEW_NAMESPACES], refuse(EPERM)))],
        [call('unshare'), looking(0, when('someBits', [NEW_NAMESPACES | NEW_TIME], refuse(EPERM)))],
        [call('ioctl'), looking(1, when('equal', Object.values(TYPING), refuse(EPERM)))],
        [
          call('personality'),
          looking(0, unless([...PERSONALITIES, ASK_PERSONALITY], refuse(EPERM))),
        ],
        [call('socket'), looking(0, SOCKETS)],
        [call('socketpair'), looking(0, SOCKETS)],
      ]),
    ),
  );
}

/** Of a socket whose family was loaded. */
const SOCKETS: Part = [
  ...unless(FAMILIES, refuse(EAFNOSUPPORT)),
  ...when(
    'equal',
    [AF_NETLINK],
    [...load(argumentAt(2)), ...unless([NETLINK_ROUTE], refuse(EPROTONOSUPPORT))],
  ),
];

/** Loads an argument of a call and looks at it. What passes may be done. */
function looking(argument: number, look: Part): Part {
  return [...load(argumentAt(argument)), ...look, ...ALLOW];
}

/** Of a call whose number was loaded: what has no number here may be done. */
function byNumber(answers: ReadonlyMap<number, Part>): Part {
  const ranges: Range[] = [{ from: 0, answer: ALLOW }];
  for (const [number, answer] of [...answers].sort(([a], [b]) => a - b)) {
    if (ranges.at(-1)?.from === number) ranges.pop();
    ranges.push({ from: number, answer }, { from: number + 1, answer: ALLOW });
  }
  return inRange(merged(ranges));
}

/** Those beside each other that answer the same are one. */
function merged(ranges: readonly Range[]): readonly Range[] {
  return ranges.filter(({ answer }, index) => {
    const before = ranges[index - 1]?.answer;
    return before === undefined || JSON.stringify(before) !== JSON.stringify(answer);
  });
}

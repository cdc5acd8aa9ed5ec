import { execFileSync, spawnSync } from 'node:child_process';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isFiltered, systemCallFilter } from '../../src/sandbox/filter/system-call-filter.ts';
import {
  callNumber,
  type FilteredArch,
  LOOKED_AT,
  REFUSED,
  refusedCalls,
} from '../../src/sandbox/filter/system-calls.ts';
import { temporaryFolder } from '../support/harness.ts';
import { hasBwrap, hasTool } from '../support/needed-tools.ts';

const CALLS = fileURLToPath(new URL('system-calls.pl', import.meta.url));
const HAS_TOOLS = hasBwrap() && hasTool('perl', '-e', '1');
const HAS_CC = hasTool('cc', '--version');
const IS_ROOT = process.getuid?.() === 0;
const ARCH: FilteredArch = isFiltered(process.arch) ? process.arch : 'x64';
const { EAFNOSUPPORT, ENOSYS, EPERM, EPROTONOSUPPORT } = constants.errno;

const SANDBOX = ['--unshare-user', '--unshare-pid', '--unshare-net', '--cap-drop', 'ALL'];
const ALL_RIGHTS = ['--cap-add', 'ALL'];

/** Runs a program with the filter, or without it, in namespaces or with all rights. */
async function runWith(
  command: readonly string[],
  { filtered = true, flags = SANDBOX }: { filtered?: boolean; flags?: readonly string[] } = {},
): Promise<string> {
  const path = join(await temporaryFolder(), 'filter');
  writeFileSync(path, systemCallFilter(ARCH));
  const filter = openSync(path, 'r');
  const seccomp = filtered ? ['--seccomp', '3'] : [];
  const args = [...flags, '--bind', '/', '/', '--dev', '/dev', ...seccomp, '--', ...command];
  const { stderr, stdout, status } = spawnSync('bwrap', args, {
    stdio: ['ignore', 'pipe', 'pipe', filter],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`it ended with ${status}: ${stderr}`);
  return stdout;
}

const LOOKED_AT_NAMES = Object.keys(LOOKED_AT).filter(
  (name): name is keyof typeof LOOKED_AT => name in LOOKED_AT,
);

/** What the program for a machine answers to a call without arguments, an errno if it refuses it. */
function answerTo(arch: FilteredArch, number: number): { answer: number | string; steps: number } {
  const program = Buffer.from(systemCallFilter(arch));
  const data = new Map([
    [0, number],
    [4, arch === 'x64' ? 0xc000003e : 0xc00000b7],
  ]);
  let loaded = 0;
  for (let at = 0, steps = 1; ; at++, steps++) {
    const code = program.readUInt16LE(at * 8);
    const value = program.readUInt32LE(at * 8 + 4);
    if (code === 0x06) {
      if (value === 0x7fff0000) return { answer: 'allowed', steps };
      return { answer: value & 0xffff, steps };
    }
    if (code === 0x20) loaded = data.get(value) ?? 0;
    else {
      const holds =
        code === 0x15 ? loaded === value : code === 0x35 ? loaded >= value : (loaded & value) !== 0;
      at += program.readUInt8(at * 8 + (holds ? 2 : 3));
    }
  }
}

/** The errno of each call, 0 for none. */
async function errnosOf(
  calls: readonly (readonly (number | string)[])[],
  options?: Parameters<typeof runWith>[1],
): Promise<readonly number[]> {
  const command = ['perl', CALLS, ...calls.map((call) => call.join())];
  return (await runWith(command, options)).trim().split('\n').map(Number);
}

function numberOf(name: string): number {
  return REFUSED[name]?.[ARCH === 'x64' ? 0 : 1] ?? Number.NaN;
}

/*
 * What is refused whoever asks, tried with all rights of root: without the filter the kernel would
 * look at the arguments, which make no sense.
 */
const OF_ROOT: readonly (readonly [name: string, ...args: readonly (number | string)[]])[] = [
  ['setns', -1, 0],
  ['mount', 's:none', 's:/nonexistent', 's:tmpfs', 0, 0],
  ['umount2', 's:/nonexistent', 0],
  ['pivot_root', 's:/nonexistent', 's:/nonexistent'],
  ['chroot', 's:/'],
  ['open_tree', -1, 's:/nonexistent', 0],
  ['move_mount', -1, 's:/nonexistent', -1, 's:/nonexistent', 0],
  ['fsopen', 's:nonexistent', 0],
  ['fsconfig', -1, 0, 0, 0, 0],
  ['fsmount', -1, 0, 0],
  ['fspick', -1, 's:/nonexistent', 0],
  ['mount_setattr', -1, 's:/nonexistent', 0, 0, 0],
  ['add_key', 's:user', 's:runlet-test', 's:x', 1, -2],
  ['request_key', 's:user', 's:runlet-none', 0, 0],
  ['keyctl', 0, -2, 0],
  ['bpf', 999, 0, 0],
  ['perf_event_open', 0, 0, -1, -1, 0],
  ['userfaultfd', 0xffff],
  ['io_uring_setup', 1, 'b:120'],
  ['io_uring_enter', -1, 0, 0, 0, 0],
  ['io_uring_register', -1, 0, 0, 0],
  ['init_module', 0, 0, 0],
  ['delete_module', 's:nonexistent', 0],
  ['finit_module', -1, 0, 0],
  ['syslog', 10, 0, 0],
  ['open_by_handle_at', -1, 0, 0],
  ['quotactl', 0, 's:/nonexistent', 0, 0],
  ['quotactl_fd', -1, 0, 0, 0],
  ['acct', 's:/nonexistent'],
  ['swapon', 's:/nonexistent', 0],
  ['swapoff', 's:/nonexistent'],
  ['reboot', 0, 0, 0, 0],
  ['settimeofday', 0, 0],
  ['clock_settime', 999, 0],
];

describe('the filter of system calls', () => {
  it('has the numbers of the kernel (needs cc)', ({ skip }) => {
    if (!HAS_CC || ARCH !== process.arch) skip();
    const index = ARCH === 'x64' ? 0 : 1;
    const calls = Object.entries({ ...REFUSED, ...LOOKED_AT });
    // What a header does not know yet keeps its name.
    const source = calls.map(([name]) => `${name} = __NR_${name}`).join('\n');
    const input = `#include <asm/unistd.h>\n${source}\n`;
    const text = execFileSync('cc', ['-E', '-P', '-'], { input, encoding: 'utf8' });
    const found = [...text.matchAll(/(\w+) = (\d+)/g)].map(([, name, number]) => [
      name,
      Number(number),
    ]);
    const known = new Set(found.map(([name]) => name));
    expect(found.length).toBeGreaterThan(40);
    const ours = calls.map(([name, numbers]) => [name, numbers[index]]);
    expect(found).toEqual(ours.filter(([name]) => known.has(String(name))));
  });

  it.each(['x64', 'arm64'] as const)('answers each number as the table has it, on %s', (arch) => {
    const refused = new Set(refusedCalls(arch));
    const looked = new Map<number, string>();
    for (const name of LOOKED_AT_NAMES) looked.set(callNumber(arch, name), name);
    for (let number = 0; number < 1024; number++) {
      const { answer, steps } = answerTo(arch, number);
      const name = looked.get(number);
      const expected = refused.has(number) ? EPERM : name === 'clone3' ? ENOSYS : 'allowed';
      if (name === undefined || name === 'clone3')
        expect([number, answer]).toEqual([number, expected]);
      // The kernel takes as many for each number that there is, whenever a filter is set.
      if (name === undefined) expect(steps).toBeLessThan(14);
    }
    expect(answerTo(arch, 0xffff_ffff).answer).toBe(arch === 'x64' ? ENOSYS : 'allowed');
  });

  it('is the same kind of program for ARM, where some calls are not', () => {
    expect(refusedCalls('arm64').length).toBeLessThan(refusedCalls('x64').length);
    expect(systemCallFilter('arm64').length % 8).toBe(0);
    // AUDIT_ARCH_AARCH64, in the second instruction.
    expect(Buffer.from(systemCallFilter('arm64')).readUInt32LE(12)).toBe(0xc00000b7);
  });
});

describe.skipIf(!HAS_TOOLS)('what is done with the filter (needs bwrap, perl)', () => {
  it('is none of what is refused always, whatever the arguments', async () => {
    for (const argument of [0, -1, 1]) {
      const calls = refusedCalls(ARCH).map((number) => [number, ...Array(5).fill(argument)]);
      expect(await errnosOf(calls)).toEqual(calls.map(() => EPERM));
    }
  });

  it.skipIf(!IS_ROOT)('is none of it with all rights of root either (needs root)', async () => {
    const calls = OF_ROOT.map(([name, ...args]) => [numberOf(name), ...args]);
    const flags = ALL_RIGHTS;
    const bare = await errnosOf(calls, { filtered: false, flags });
    const reached = OF_ROOT.filter((_, index) => bare[index] !== EPERM);
    // Without the filter nearly all is looked at: a machine may forbid some of it by other means.
    expect(reached.length).toBeGreaterThan(OF_ROOT.length * 0.8);
    expect(await errnosOf(calls, { flags })).toEqual(calls.map(() => EPERM));
  });

  it('makes no namespaces, and processes all the same', async () => {
    const NEW = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000];
    const clones = NEW.map((flag) => [callNumber(ARCH, 'clone'), flag | 17, 0, 0, 0, 0]);
    const unshares = [...NEW, 0x80].map((flag) => [callNumber(ARCH, 'unshare'), flag]);
    // The kernel takes 32 bits of these flags, and would not see what is above.
    const long = [callNumber(ARCH, 'unshare'), 2 ** 32 + 0x10000000];
    expect(await errnosOf([...clones, ...unshares, long])).toEqual(
      [...clones, ...unshares, long].map(() => EPERM),
    );
    const without = { filtered: false };
    expect(await errnosOf([[callNumber(ARCH, 'unshare'), 0x10000000]], without)).toEqual([0]);
    // CLONE_FS and CLONE_FILES are about nobody else.
    expect(await errnosOf([[callNumber(ARCH, 'unshare'), 0x600]])).toEqual([0]);
    // What it is behind a pointer for is done by clone(2) then: of shells, of threads.
    expect(await errnosOf([[callNumber(ARCH, 'clone3'), 'b:88', 88]])).toEqual([ENOSYS]);
    const threads =
      'new (require("worker_threads").Worker)("process.stdout.write(\\"thread\\")", {eval: true})';
    expect(await runWith([process.execPath, '-e', threads])).toBe('thread');
    expect(await runWith(['sh', '-c', '(echo child) | cat'])).toBe('child\n');
  });

  it('types into no terminal', async () => {
    const ioctl = callNumber(ARCH, 'ioctl');
    const calls = [
      [ioctl, 0, 0x5412, 's:x'],
      [ioctl, 0, 0x541c, 's:x'],
      // The kernel takes 32 bits of a request.
      [ioctl, 0, 2 ** 32 + 0x5412, 's:x'],
    ];
    expect(await errnosOf(calls)).toEqual([EPERM, EPERM, EPERM]);
    // Standard input is no terminal here: the kernel would say so.
    expect(await errnosOf(calls, { filtered: false })).not.toContain(EPERM);
    expect(await errnosOf([[ioctl, 0, 0x5413, 'b:8']])).toEqual([constants.errno.ENOTTY]);
  });

  it('has sockets of the families that programs use, and no others', async () => {
    const socket = callNumber(ARCH, 'socket');
    const STREAM = 1;
    const families = Array.from({ length: 46 }, (_, family) => family);
    const errnos = await errnosOf(families.map((family) => [socket, family, STREAM, 0]));
    const used = [1, 2, 10];
    expect(families.filter((family) => errnos[family] === 0)).toEqual(used);
    for (const family of families) {
      if (![...used, 16].includes(family)) expect(errnos[family]).toBe(EAFNOSUPPORT);
    }
    // AF_VSOCK, which no namespace keeps apart, AF_ALG, and one beyond what the kernel takes.
    const vsock = [socket, 40, STREAM, 0];
    expect(await errnosOf([vsock, [socket, 2 ** 32 + 40, STREAM, 0]])).toEqual([
      EAFNOSUPPORT,
      EAFNOSUPPORT,
    ]);
    const RAW = 3;
    const protocols = Array.from({ length: 23 }, (_, protocol) => [socket, 16, RAW, protocol]);
    const [route, ...others] = await errnosOf(protocols);
    expect(route).toBe(0);
    expect(new Set(others)).toEqual(new Set([EPROTONOSUPPORT]));
    const pairs = [1, 40].map((family) => [callNumber(ARCH, 'socketpair'), family, 1, 0, 'b:8']);
    expect(await errnosOf(pairs)).toEqual([0, EAFNOSUPPORT]);
  });

  it('has no personality that makes faults easier to use', async () => {
    const personality = callNumber(ARCH, 'personality');
    const READ_IMPLIES_EXEC = 0x0400000;
    const MMAP_PAGE_ZERO = 0x0100000;
    const refused = [READ_IMPLIES_EXEC, MMAP_PAGE_ZERO, 1].map((value) => [personality, value]);
    const allowed = [0xffffffff, 0x40000, 8, 0].map((value) => [personality, value]);
    expect(await errnosOf(refused)).toEqual(refused.map(() => EPERM));
    expect(await errnosOf(refused, { filtered: false })).toEqual(refused.map(() => 0));
    expect(await errnosOf(allowed)).toEqual(allowed.map(() => 0));
  });

  it.skipIf(process.arch !== 'x64' || !HAS_CC)(
    'is nothing by the numbers of other machines (needs x64, cc)',
    async () => {
      const folder = await temporaryFolder();
      // getpid(2) as programs with 32 bits ask for it, and as those of x32.
      const source = `
        #include <stdio.h>
        #include <unistd.h>
        #include <errno.h>
        int main(void) {
          long old = 20;
          __asm__ volatile("int $0x80" : "+a"(old) : : "memory");
          long x32 = syscall(0x40000000 | 39);
          printf("%ld %ld %d\\n", old > 0 ? 0 : old, x32 > 0 ? 0 : (long)-errno, getpid() > 0);
        }`;
      const program = join(folder, 'numbers');
      execFileSync('cc', ['-x', 'c', '-o', program, '-'], { input: source });
      expect(await runWith([program])).toBe(`-${ENOSYS} -${ENOSYS} 1\n`);
    },
  );

  it('goes with no new privileges, which bwrap sets, and cannot be left', async () => {
    const status = await runWith(['cat', '/proc/self/status']);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
    expect(readFileSync('/proc/self/status', 'latin1')).not.toMatch(/^NoNewPrivs:\t1$/m);
  });
});

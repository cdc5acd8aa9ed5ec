import { readdirSync, statSync } from 'node:fs';

/** What of proc(5) is the machine's and can be written to by root, as which a server may run. */
const READ_ONLY = [
  ...['bus', 'driver', 'dynamic_debug', 'fs', 'irq', 'mtrr', 'sys', 'sysrq-trigger', 'tty'],
];

/** What of it tells of the machine and of others what nobody inside is to know. */
const HIDDEN = [
  ...['acpi', 'asound', 'kcore', 'key-users', 'keys', 'kmsg', 'kpagecgroup', 'kpagecount'],
  ...['kpageflags', 'latency_stats', 'sched_debug', 'scsi', 'slabinfo', 'timer_list'],
  ...['timer_stats', 'vmallocinfo'],
];

let known: readonly string[] | undefined;

/**
 * What bwrap(1) is told to mount at /proc: the processes of the sandbox, and of what is the
 * machine's nothing that could be written to. `--proc` alone protects no more of it than what the
 * modes of files do, which is nothing from a process that is root outside: a program that
 * `/proc/sys/kernel/core_pattern` names is run outside of every sandbox.
 */
export function procArguments(): readonly string[] {
  known ??= ['--proc', '/proc', ...readdirSync('/proc').flatMap(protectedEntry)];
  return known;
}

function protectedEntry(name: string): readonly string[] {
  const path = `/proc/${name}`;
  if (READ_ONLY.includes(name)) return ['--ro-bind', path, path];
  if (!HIDDEN.includes(name)) return [];
  // A device that is none where it is bound to: nobody can open it.
  if (!statSync(path).isDirectory()) return ['--ro-bind', '/dev/null', path];
  return ['--perms', '0000', '--tmpfs', path, '--remount-ro', path];
}

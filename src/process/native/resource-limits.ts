import { invalidField } from '../../errors.ts';
import type { LimitName, ResourceLimits } from '../launcher.ts';
import {
  type Libc,
  RLIM_INFINITY,
  RLIMIT_AS,
  RLIMIT_CORE,
  RLIMIT_CPU,
  RLIMIT_FSIZE,
  RLIMIT_NOFILE,
  RLIMIT_NPROC,
  RLIMIT_SIZE,
} from './libc.ts';

/** What a limit is called in a spec, and its number for the kernel, getrlimit(2). */
const RESOURCES: Readonly<Record<LimitName, { readonly field: string; readonly number: number }>> =
  {
    openFiles: { field: 'open_files', number: RLIMIT_NOFILE },
    processes: { field: 'processes', number: RLIMIT_NPROC },
    addressSpaceBytes: { field: 'address_space_bytes', number: RLIMIT_AS },
    fileBytes: { field: 'file_bytes', number: RLIMIT_FSIZE },
    coreBytes: { field: 'core_bytes', number: RLIMIT_CORE },
    cpuSeconds: { field: 'cpu_seconds', number: RLIMIT_CPU },
  };

/**
 * Checks that this process may give these limits: none may be above its own hard one.
 *
 * @throws RunletError `INVALID_REQUEST`
 */
export function assertWithinOwn(libc: Libc, limits: ResourceLimits): void {
  for (const [{ field, number }, value] of resourcesOf(limits)) {
    const hard = ownHardLimit(libc, number);
    if (BigInt(value) > hard) {
      throw invalidField(`spec.limits.${field}`, `the server's own hard limit is ${hard}`);
    }
  }
}

/**
 * Limits a process, the soft and the hard way; in open files only the soft way, to
 * `softOpenFiles`, if nothing is said of these. False if the kernel does not let us.
 */
export function limitProcess(
  libc: Libc,
  pid: number,
  limits: ResourceLimits,
  softOpenFiles?: number,
): boolean {
  const set = (resource: number, soft: number, hard: bigint): boolean => {
    const limit = Buffer.alloc(RLIMIT_SIZE);
    limit.writeBigUInt64LE(BigInt(soft), 0);
    limit.writeBigUInt64LE(hard, 8);
    return libc.prlimit(pid, resource, limit, null) === 0;
  };
  if (limits.openFiles === undefined && softOpenFiles !== undefined) {
    if (!set(RLIMIT_NOFILE, softOpenFiles, ownHardLimit(libc, RLIMIT_NOFILE))) return false;
  }
  return [...resourcesOf(limits)].every(([{ number }, value]) =>
    set(number, value, hardLimit(libc, number, BigInt(value))),
  );
}

/**
 * The same as the soft one; but a process that used up its CPU time gets SIGXCPU,
 * and SIGKILL only a second later, so that its status says why it ended.
 */
function hardLimit(libc: Libc, resource: number, soft: bigint): bigint {
  if (resource !== RLIMIT_CPU) return soft;
  const own = ownHardLimit(libc, resource);
  return soft + 1n < own ? soft + 1n : own;
}

function ownHardLimit(libc: Libc, resource: number): bigint {
  const limit = Buffer.alloc(RLIMIT_SIZE);
  return libc.prlimit(0, resource, null, limit) === 0 ? limit.readBigUInt64LE(8) : RLIM_INFINITY;
}

function* resourcesOf(
  limits: ResourceLimits,
): Generator<readonly [(typeof RESOURCES)[LimitName], number]> {
  for (const [name, resource] of Object.entries(RESOURCES)) {
    const value = limits[name as LimitName];
    if (value !== undefined) yield [resource, value];
  }
}

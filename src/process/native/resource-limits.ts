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

/** A limit of a process: a resource of getrlimit(2), by its number. */
export interface KernelLimit {
  readonly resource: number;
  readonly soft: bigint;
  readonly hard: bigint;
}

/**
 * What the kernel is told of limits, the soft and the hard way; of open files only the soft way,
 * `softOpenFiles`, if nothing is said of these.
 */
export function kernelLimits(
  libc: Libc,
  limits: ResourceLimits,
  softOpenFiles?: number,
): readonly KernelLimit[] {
  const asked = Array.from(resourcesOf(limits), ([{ number }, value]): KernelLimit => {
    const soft = BigInt(value);
    return { resource: number, soft, hard: hardLimit(libc, number, soft) };
  });
  if (limits.openFiles !== undefined || softOpenFiles === undefined) return asked;
  const hard = ownHardLimit(libc, RLIMIT_NOFILE);
  return [{ resource: RLIMIT_NOFILE, soft: BigInt(softOpenFiles), hard }, ...asked];
}

/** Limits a process, as {@link kernelLimits} has it. False if the kernel does not let us. */
export function limitProcess(
  libc: Libc,
  pid: number,
  limits: ResourceLimits,
  softOpenFiles?: number,
): boolean {
  return kernelLimits(libc, limits, softOpenFiles).every(({ hard, resource, soft }) => {
    const limit = Buffer.alloc(RLIMIT_SIZE);
    limit.writeBigUInt64LE(soft, 0);
    limit.writeBigUInt64LE(hard, 8);
    return libc.prlimit(pid, resource, limit, null) === 0;
  });
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

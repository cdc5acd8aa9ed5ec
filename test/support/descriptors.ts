import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** As Linux has it on x86 and ARM, in fcntl.h. */
const O_CLOEXEC = 0o2000000;

/** What this process was started with and passes on, through no doing of the server's. */
export function inheritedDescriptors(): readonly string[] {
  const inherited = readdirSync('/proc/self/fdinfo').filter((fd) => {
    if (Number(fd) < 3) return false;
    const flags = /^flags:\s+(\d+)/m.exec(readInfo(fd))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0;
  });
  return inherited.sort((a, b) => Number(a) - Number(b));
}

/** What this process has open: `17 pipe:[1234]`. */
export function ownDescriptors(): ReadonlySet<string> {
  const found = new Set<string>();
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      found.add(`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`);
    } catch {
      // The descriptor of the listing itself.
    }
  }
  return found;
}

/** What it has open that it had not before; what it closed since does not count. */
export function openedSince(before: ReadonlySet<string>): readonly string[] {
  return [...ownDescriptors()].filter((descriptor) => !before.has(descriptor));
}

function readInfo(fd: string): string {
  try {
    return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
  } catch {
    // The descriptor of the listing itself.
    return '';
  }
}

/** A folder that a process watches by inotify(7). */
export interface KernelWatch {
  /** The queue's descriptor. */
  readonly queue: number;
  readonly inode: bigint;
}

/** The queues of inotify(7) that a process has, and all that it watches with them. */
export function kernelWatches(pid: number | 'self' = 'self'): {
  readonly queues: readonly number[];
  readonly watches: readonly KernelWatch[];
} {
  const queues: number[] = [];
  const watches: KernelWatch[] = [];
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      if (!readlinkSync(`/proc/${pid}/fd/${fd}`).endsWith(':inotify')) continue;
      queues.push(Number(fd));
      const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
      for (const [, inode] of info.matchAll(/^inotify wd:\w+ ino:(\w+)/gm)) {
        watches.push({ queue: Number(fd), inode: BigInt(`0x${inode}`) });
      }
    } catch {
      // It was closed since.
    }
  }
  return { queues, watches };
}

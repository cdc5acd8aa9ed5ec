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

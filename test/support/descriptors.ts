import { readdirSync, readFileSync } from 'node:fs';

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

function readInfo(fd: string): string {
  try {
    return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
  } catch {
    // The descriptor of the listing itself.
    return '';
  }
}

import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { textOfBytes } from '../../system-text.ts';
import { KIB } from '../../units.ts';
import type { BoundaryRule } from '../boundary.ts';
import { KERNEL_FILE_SYSTEMS } from '../places.ts';

let known: { readonly info: Buffer; readonly caps: readonly BoundaryRule[] } | undefined;

/** What can be done at most with the file systems of the kernel that are mounted. */
export function kernelMounts(): readonly BoundaryRule[] {
  const info = mountinfo();
  // It is seldom another one than before.
  if (known?.info.equals(info) !== true) {
    const lines = info.toString('latin1').split('\n');
    known = { info: Buffer.from(info), caps: lines.flatMap((line) => capOf(line) ?? []) };
  }
  return known.caps;
}

/** What is read of it at first goes here: it is read for each sandbox, and seldom longer. */
const beginning = Buffer.allocUnsafeSlow(16 * KIB);

/** Until it is read again. */
function mountinfo(): Buffer {
  const fd = openSync('/proc/self/mountinfo', 'r');
  try {
    let length = 0;
    // The kernel tells no more than some lines at a time.
    for (;;) {
      const bytes = readSync(fd, beginning, length, beginning.length - length, null);
      length += bytes;
      if (bytes === 0) break;
    }
    if (length < beginning.length) return beginning.subarray(0, length);
    return Buffer.concat([beginning, readFileSync(fd)]);
  } finally {
    closeSync(fd);
  }
}

/** What a line of proc_pid_mountinfo(5) is about; undefined: no file system of the kernel. */
function capOf(line: string): BoundaryRule | undefined {
  const fields = line.split(' ');
  const type = fields[fields.indexOf('-', 6) + 1] ?? '';
  const access = KERNEL_FILE_SYSTEMS.get(type);
  const [, , , , path] = fields;
  if (access === undefined || path === undefined) return undefined;
  return { path: textOfBytes(unescaped(path)), access, space: 'host' };
}

/** Spaces, tabs, ends of lines and backslashes are octal. */
function unescaped(path: string): Buffer {
  const text = path.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
  return Buffer.from(text, 'latin1');
}

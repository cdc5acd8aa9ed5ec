import { readFileSync } from 'node:fs';
import { textOfBytes } from '../../system-text.ts';
import type { BoundaryRule } from '../boundary.ts';
import { KERNEL_FILE_SYSTEMS } from '../places.ts';

let known: { readonly text: string; readonly caps: readonly BoundaryRule[] } | undefined;

/** What can be done at most with the file systems of the kernel that are mounted. */
export function kernelMounts(): readonly BoundaryRule[] {
  const text = readFileSync('/proc/self/mountinfo', 'latin1');
  // It is seldom another one than before.
  if (known?.text !== text) {
    known = { text, caps: text.split('\n').flatMap((line) => capOf(line) ?? []) };
  }
  return known.caps;
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

import { fstatSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { isatty } from 'node:tty';

/** How often it is looked whether a shell has given us its terminal, in milliseconds. */
const LOOK_MS = 200;

/** The number of /dev/tty, by which a program calls its own terminal. */
const DEV_TTY = 0x500;

/**
 * Whether we may read from a descriptor: who reads from its terminal while a shell has given it to
 * others is stopped, by SIGTTIN. Other descriptors can always be read, and so can all where the
 * system does not tell.
 */
function mayRead(fd: number): boolean {
  if (!isatty(fd)) return true;
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    // proc_pid_stat(5): state, parent, group, session, terminal, the group it was given to.
    const [, , group, , terminal, foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const { rdev } = fstatSync(fd);
    if (rdev !== DEV_TTY && rdev !== Number(terminal)) return true;
    return group === foreground;
  } catch {
    return true;
  }
}

/**
 * Resolves when we may read from a descriptor. Looks again and again: a shell that takes a
 * program to the foreground which was not stopped tells it nothing.
 */
export async function untilMayRead(fd: number): Promise<void> {
  while (!mayRead(fd)) await setTimeout(LOOK_MS, undefined, { ref: false });
}

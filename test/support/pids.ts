import { readFileSync } from 'node:fs';

/** The pid that a script printed first. */
export function pidFrom(text: string): number {
  return Number.parseInt(text, 10);
}

/** Whether a process runs. One that ended and waits to be reaped does not. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

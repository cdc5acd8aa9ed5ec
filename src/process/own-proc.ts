import { readlinkSync } from 'node:fs';

let own: boolean | undefined;

/**
 * Whether proc(5) is there and has the numbers that processes have for this one. In a PID
 * namespace that was made without a mount of its own it shows those around it by other numbers:
 * what is found there by number is somebody else, pid_namespaces(7).
 */
export function hasOwnProc(): boolean {
  own ??= nameInProc() === String(process.pid);
  return own;
}

function nameInProc(): string | undefined {
  try {
    return readlinkSync('/proc/self');
  } catch {
    return undefined;
  }
}

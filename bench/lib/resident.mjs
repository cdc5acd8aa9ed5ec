// @ts-check
import { readFileSync } from 'node:fs';

/**
 * Reads from proc_pid_status(5) what a process has of memory.
 *
 * @param {number} pid
 * @returns {number} in MiB
 */
export function residentMib(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
}

import { constants, readFileSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * Whether nohup(1) started this program. Node.js resets at its start what was ignored before,
 * so that is told by what else happens then: shells tell which program they start, and
 * nohup has reading standard input fail.
 */
export function startedByNohup(env: NodeJS.ProcessEnv): boolean {
  if (basename(env['_'] ?? '') === 'nohup') return true;
  const flags = /^flags:\s+([0-7]+)$/m.exec(descriptorInfo())?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & 3) === constants.O_WRONLY;
}

/** What proc(5) tells of standard input; nothing where there is none. */
function descriptorInfo(): string {
  try {
    return readFileSync('/proc/self/fdinfo/0', 'latin1');
  } catch {
    return '';
  }
}

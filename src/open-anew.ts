import { constants, fstatSync, openSync } from 'node:fs';

/**
 * Opens what a descriptor is of once more, not to block in writes, since how a descriptor is
 * belongs to all who share it. Undefined: it is neither a pipe nor a terminal, nobody reads it,
 * or this system cannot.
 */
export function openAnew(fd: number): number | undefined {
  try {
    const stat = fstatSync(fd);
    if (!stat.isFIFO() && !stat.isCharacterDevice()) return undefined;
    const { O_NOCTTY, O_NONBLOCK, O_WRONLY } = constants;
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    return undefined;
  }
}

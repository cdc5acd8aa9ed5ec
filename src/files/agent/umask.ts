import { readFileSync } from 'node:fs';

/** What files are made with where nothing is said, and the usual umask. */
const FILE_MODE = 0o666;
const USUAL_UMASK = 0o022;

/**
 * The mode of a new file where none is named. `process.umask()` would change it for a moment, for
 * all threads.
 */
export function newFileMode(): number {
  return FILE_MODE & ~umask();
}

function umask(): number {
  try {
    const [, octal = ''] =
      /^Umask:\s*([0-7]+)$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
    return octal === '' ? USUAL_UMASK : Number.parseInt(octal, 8);
  } catch {
    return USUAL_UMASK;
  }
}

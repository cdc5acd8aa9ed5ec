import { loadKoffi } from '../../koffi.ts';

/** `PR_SET_DUMPABLE` of prctl(2). */
const PR_SET_DUMPABLE = 4;

/** Has the system write no core dump of this program. False if it cannot be told so. */
export function forbidCoreDump(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    const prctl = loadKoffi().load(null).func('int prctl(int operation, unsigned long value)');
    return prctl(PR_SET_DUMPABLE, 0) === 0;
  } catch {
    return false;
  }
}

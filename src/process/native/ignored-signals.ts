import { constants } from 'node:os';
import { ownSignals } from '../started-with.ts';
import { type Libc, SIG_IGN } from './libc.ts';

/** The first of the real-time signals; 32 and 33 are the C library's own. */
const FIRST_REAL_TIME = 34;
const LAST_REAL_TIME = 64;

const { SIGCHLD, SIGIO } = constants.signals;

/**
 * Has this process ignore the signals that it was started with ignoring, which its children do
 * too then, and returns those. Not the two by which children are waited for and limited.
 *
 * It ignores real-time signals as well, which Node.js cannot listen for, and by each of which
 * it would end with all that it runs left behind. Children do so only if it did from the start:
 * Node.js, which makes signals what they are by default, leaves these as they were.
 */
export function ignoreSignals(libc: Libc, startedWith: readonly number[]): readonly number[] {
  const already = ownSignals('SigIgn').filter((signal) => signal >= FIRST_REAL_TIME);
  const ignored = startedWith
    .filter((signal) => signal < FIRST_REAL_TIME && signal !== SIGCHLD && signal !== SIGIO)
    .concat(already);
  const caught = ownSignals('SigCgt');
  for (const signal of ignored) libc.signal(signal, SIG_IGN);
  for (let signal = FIRST_REAL_TIME; signal <= LAST_REAL_TIME; signal += 1) {
    if (!caught.includes(signal)) libc.signal(signal, SIG_IGN);
  }
  return ignored;
}

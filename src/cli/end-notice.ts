import type { EndReasonName, ProcessExit } from '../client/index.ts';
import { say } from './print.ts';

/** What is said of an end that was not the process's own doing. */
const NOTICES: Readonly<Partial<Record<EndReasonName, string>>> = {
  'timed-out': 'the process ran out of time and was ended',
  terminated: 'the process was terminated',
  'session-expired': 'the process was ended with its session, which expired',
  'session-closed': 'the process was ended with its session, which was closed',
  'server-shutdown': 'the process was ended by the shutdown of the server',
};

/** Says why a process ended, unless it did so by itself or by a signal. */
export function sayWhyEnded({ reason }: ProcessExit): void {
  const notice = NOTICES[reason];
  if (notice !== undefined) say(`${notice} (${reason})`);
}

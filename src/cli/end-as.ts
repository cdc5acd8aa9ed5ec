import type { ProcessExit } from '../client/index.ts';
import { sayWhyEnded } from './end-notice.ts';
import { endAsBy } from './ending.ts';
import { FAILURE_EXIT_CODE, processExitCode } from './exit-codes.ts';
import { OutputStuckError } from './output-patience.ts';
import { standardInputFailed } from './standard-input.ts';

/** Has this program end as a process does that is joined to it. `quietly`: why is not said. */
export async function endAs(running: Promise<ProcessExit>, quietly: boolean): Promise<void> {
  try {
    const exit = await running;
    if (!quietly) sayWhyEnded(exit);
    process.exitCode = processExitCode(exit);
    if (exit.code === 0 && standardInputFailed()) process.exitCode = FAILURE_EXIT_CODE;
    // It dies as the process does, unless the server ended that, which is said.
    if (exit.signal !== null && exit.reason === 'signaled') endAsBy(exit.signal);
  } catch (error) {
    if (!(error instanceof OutputStuckError)) throw error;
    endAsBy(error.signal);
  }
}

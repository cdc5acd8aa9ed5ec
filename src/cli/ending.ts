import { signalExitCode } from './exit-codes.ts';
import { releaseLostTerminals } from './own-terminal.ts';
import { allSaid } from './print.ts';
import { isWritingInThread } from './standard-output.ts';

/** Signals of which this program can die as others do. SIGQUIT would leave a core dump of ours. */
const OWN_ENDS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

let endedBy: NodeJS.Signals | undefined;

/**
 * Lets this program end as one that a signal ended. A shell looks at that: it goes on with
 * its loop or script where what it ran has exited, with whatever code, after a Ctrl-C.
 */
export function endAsBy(signal: NodeJS.Signals): void {
  process.exitCode = signalExitCode(signal);
  if (OWN_ENDS.includes(signal)) endedBy = signal;
}

/** Ends this program, whatever may still be open or under way. */
export async function endProgram(): Promise<never> {
  await allSaid();
  releaseLostTerminals();
  if (endedBy !== undefined) dieOf(endedBy);
  // It cannot be called back, and exit(3) would wait for it: what comes closest to the code.
  if (isWritingInThread()) {
    dieOf(OWN_ENDS.find((signal) => signalExitCode(signal) === process.exitCode) ?? 'SIGKILL');
  }
  // Standard input may still be open, and would keep this process waiting for nothing.
  process.exit();
}

function dieOf(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

import { forbidCoreDump } from '../process/native/core-dump.ts';
import { signalExitCode } from './exit-codes.ts';
import { releaseLostTerminals } from './own-terminal.ts';
import { allSaid } from './print.ts';
import { isWritingInThread } from './standard-output.ts';

/** Of which this program dies where exit(3) would not end it. */
const OWN_ENDS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Signals that have the system write a core dump: ours would be of no use, and is large. */
const DUMPING: readonly NodeJS.Signals[] = [
  'SIGQUIT',
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGSEGV',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGSYS',
];

let endedBy: NodeJS.Signals | undefined;

/**
 * Lets this program end as one that a signal ended. A shell looks at that: it goes on with
 * its loop or script where what it ran has exited, with whatever code, after a Ctrl-C.
 */
export function endAsBy(signal: NodeJS.Signals): void {
  process.exitCode = signalExitCode(signal);
  if (!DUMPING.includes(signal) || forbidCoreDump()) endedBy = signal;
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
  // What nobody listens for any more does what it does by default, also where it was ignored.
  if (signal !== 'SIGKILL') process.on(signal, () => {}).removeAllListeners(signal);
  process.kill(process.pid, signal);
}

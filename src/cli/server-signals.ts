import { closeSync, constants, openSync } from 'node:fs';
import { ownSignals } from '../process/started-with.ts';

/**
 * Signals that a program with processes of its own takes no notice of. By default SIGUSR1 has
 * Node.js open its debugger on a port of the loopback interface, where every user of the machine
 * can have this program run code; the others end it at once, with all that it runs left behind.
 * Any process that is started here could send them.
 */
const IGNORED = [
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGVTALRM',
  'SIGPROF',
  'SIGPWR',
  'SIGSTKFLT',
] as const satisfies readonly NodeJS.Signals[];

/** Signals that ask a server to end. SIGXCPU comes a moment before the system kills it. */
const ENDING = [
  'SIGTERM',
  'SIGINT',
  'SIGQUIT',
  'SIGXCPU',
] as const satisfies readonly NodeJS.Signals[];

/**
 * Where signals come from: this process, or what stands for it in a test. Not all are left to
 * it: SIGKILL and SIGSTOP cannot be caught, SIGTSTP, SIGTTIN and SIGTTOU stop this program and
 * end nothing, and SIGSEGV and its like tell of a fault after which no code of it can be trusted.
 */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  removeListener(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
}

/** What a server does when it is signaled. */
export interface SignalActions {
  /** Called once: ends in order. */
  readonly end: (signal: NodeJS.Signals) => void;
  /** Called once, after `end`: somebody does not want to wait for it. A third ends it at once. */
  readonly hurry: (signal: NodeJS.Signals) => void;
  /** A hangup that ends nothing came: what can be read again is. */
  readonly reload: (signal: NodeJS.Signals) => void;
  /** A signal came that changes nothing. */
  readonly ignored: (signal: NodeJS.Signals) => void;
  /** Whether a hangup, SIGHUP, ends the server. */
  readonly endsByHangup: boolean;
  /** Whether a signal was ignored when the program was started: it stays so. */
  readonly wasIgnored: (signal: NodeJS.Signals) => boolean;
}

/** Has signals do nothing that would end this program with what it runs left behind. */
export function ignoreStraySignals(
  ignored: SignalActions['ignored'] = () => {},
  source: SignalSource = process,
): void {
  for (const signal of IGNORED) {
    if (signal !== 'SIGPROF' || !profilerRuns()) source.on(signal, ignored);
  }
  // Comes with each start of a process with limits: see `SpawnGates`.
  source.on('SIGIO', () => {});
}

/** Decides for every signal what it does to a server. */
export function takeServerSignals(actions: SignalActions, source: SignalSource = process): void {
  let asked = 0;
  const ask = (signal: NodeJS.Signals): void => {
    asked += 1;
    if (asked === 1) {
      actions.end(signal);
    } else {
      actions.hurry(signal);
      for (const ending of ENDING) source.removeListener(ending, ask);
    }
  };
  const hangUp = (signal: NodeJS.Signals): void => {
    // Where a terminal is closed it comes twice, from the system and from the shell, so it is
    // never taken for impatience.
    if (!actions.endsByHangup) actions.reload(signal);
    else if (asked === 0) ask(signal);
    else actions.ignored(signal);
  };
  for (const signal of ENDING) if (!actions.wasIgnored(signal)) source.on(signal, ask);
  if (!actions.wasIgnored('SIGHUP')) source.on('SIGHUP', hangUp);
  ignoreStraySignals(actions.ignored, source);
}

/**
 * Whether there is a controlling terminal, so that a hangup means that nobody is there any
 * more. It is gone by the time that its hangup is told of.
 */
export function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', constants.O_RDONLY | constants.O_NOCTTY));
    return true;
  } catch {
    return false;
  }
}

/** Whether the profiler of Node.js handles SIGPROF, number 27, by which it works. */
function profilerRuns(): boolean {
  return ownSignals('SigCgt').includes(27);
}

import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

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
  /** A signal came that changes nothing. */
  readonly ignored: (signal: NodeJS.Signals) => void;
  /** Whether a hangup, SIGHUP, ends the server. */
  readonly endsByHangup: boolean;
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
  for (const signal of ENDING) source.on(signal, ask);
  source.on('SIGHUP', (signal) => {
    // Where a terminal is closed it comes twice, from the system and from the shell, so it is
    // never taken for impatience.
    if (actions.endsByHangup && asked === 0) ask(signal);
    else actions.ignored(signal);
  });
  ignoreStraySignals(actions.ignored, source);
}

/**
 * Whether a hangup means that nobody is there any more: this program was started on a terminal,
 * and not by nohup(1). Node.js resets at its start what was ignored before, so that is told by
 * what else nohup does.
 */
export function endsByHangup(env: NodeJS.ProcessEnv): boolean {
  return hasTerminal() && !startedByNohup(env);
}

/** Whether there is a controlling terminal. It is gone by the time that its hangup is told of. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', constants.O_RDONLY | constants.O_NOCTTY));
    return true;
  } catch {
    return false;
  }
}

/** Shells tell which program they start; nohup has reading standard input fail. */
function startedByNohup(env: NodeJS.ProcessEnv): boolean {
  if (basename(env['_'] ?? '') === 'nohup') return true;
  const flags = /^flags:\s+([0-7]+)$/m.exec(textOf('/proc/self/fdinfo/0'))?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & 3) === constants.O_WRONLY;
}

/** Whether the profiler of Node.js handles SIGPROF, number 27, by which it works. */
function profilerRuns(): boolean {
  const caught = /^SigCgt:\s+([0-9a-f]+)$/m.exec(textOf('/proc/self/status'))?.[1] ?? '0';
  return (BigInt(`0x${caught}`) & (1n << 26n)) !== 0n;
}

/** What proc(5) tells in a file; nothing where there is none. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

import { isUtf8 } from 'node:buffer';
import { constants } from 'node:os';
import { type StartedWith, signalsIn } from '../process/started-with.ts';
import { startedByNohup } from './nohup.ts';

/** The variable in which the first lines of `bundle/main.js` tell it. */
export const STARTED_WITH_VARIABLE = 'RUNLET_STARTED_WITH';

let known: StartedWith | undefined;

/** What this program was started with. */
export function startedWith(): StartedWith {
  known ??= readStartedWith(process.env, process.pid);
  return known;
}

/** Reads what is told. Without it there is still nohup(1), which can be told otherwise. */
function readStartedWith(env: NodeJS.ProcessEnv, pid: number): StartedWith {
  const told = fieldsFor(pid, env);
  if (told === undefined) {
    const { SIGHUP } = constants.signals;
    return { openFiles: undefined, ignored: startedByNohup(env) ? [SIGHUP] : [] };
  }
  const [openFiles = '', ignored = ''] = told;
  return {
    openFiles: /^[0-9]{1,15}$/.test(openFiles) ? Number(openFiles) : undefined,
    ignored: signalsIn(ignored),
  };
}

/** Sets the variables again that a shell has dropped, whose names it cannot have. */
export function restoreVariables(env: NodeJS.ProcessEnv, pid: number): void {
  for (const bytes of droppedVariables(env, pid)) {
    const variable = bytes.toString();
    const end = variable.indexOf('=');
    // Node.js can have no name that is not UTF-8.
    if (end > 0 && isUtf8(bytes.subarray(0, bytes.indexOf('=')))) {
      env[variable.slice(0, end)] = variable.slice(end + 1);
    }
  }
}

/** The variables that a shell has dropped, exactly. */
export function droppedVariables(env: NodeJS.ProcessEnv, pid: number): readonly Buffer[] {
  const [, , dropped = ''] = fieldsFor(pid, env) ?? [];
  const variables = Buffer.from(dropped, 'base64').toString('latin1').split('\0');
  return variables.filter((text) => text !== '').map((text) => Buffer.from(text, 'latin1'));
}

/** What this program was started with, for itself when it is replaced, or for a server of it. */
export function toldFields(variables: readonly Buffer[]): string {
  const { ignored, openFiles } = startedWith();
  const signals = ignored.reduce((bits, signal) => bits | (1n << BigInt(signal - 1)), 0n);
  const dropped = Buffer.concat(variables.flatMap((variable) => [variable, Buffer.of(0)]));
  return [openFiles ?? '', signals.toString(16), dropped.toString('base64')].join(':');
}

/** `PID:OPEN_FILES:IGNORED:VARIABLES`. What was told to another process was only inherited. */
function fieldsFor(pid: number, env: NodeJS.ProcessEnv): readonly string[] | undefined {
  const [told, ...fields] = (env[STARTED_WITH_VARIABLE] ?? '').split(':');
  return told === String(pid) ? fields : undefined;
}

/** Whether a signal was ignored when this program was started. */
export function wasIgnored(signal: NodeJS.Signals): boolean {
  return startedWith().ignored.includes(constants.signals[signal]);
}

/**
 * Goes on ignoring what was ignored. SIGCHLD is left out, by which the ends of processes are
 * heard of; and of those that Node.js has no name for it has changed nothing.
 */
export function keepIgnoring(): void {
  const { ignored } = startedWith();
  for (const [name, number] of Object.entries(constants.signals)) {
    if (!ignored.includes(number) || name === 'SIGCHLD') continue;
    try {
      process.on(name, () => {});
    } catch {
      // SIGKILL and SIGSTOP, which nobody ignores.
    }
  }
}

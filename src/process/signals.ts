import { constants } from 'node:os';
import { Signal } from '../gen/runlet/v1/signal_pb.ts';

/** The Linux number of a signal that this machine names, `SIGTERM` for example. */
export function signalNumber(name: NodeJS.Signals): number {
  return Signal[name.slice('SIG'.length) as keyof typeof Signal] ?? constants.signals[name];
}

/** What this machine calls the signal that Linux numbers so; undefined if it has none. */
export function hostSignal(linuxNumber: number): number | undefined {
  const name = Signal[linuxNumber];
  return name === undefined
    ? undefined
    : (constants.signals as Readonly<Record<string, number>>)[`SIG${name}`];
}

/** Sends a signal, by the machine's own number, to one process. False: there is none. */
export function signalProcess(pid: number, signal: number): boolean {
  return send(pid, signal);
}

/** Sends a signal, by the machine's own number, to a group. False: it has no member. */
export function signalGroup(pgid: number, signal: number): boolean {
  return send(-pgid, signal);
}

/**
 * Whether a group has members though its leader was reaped.
 *
 * The kernel gives a number to no new process while a group bears it. So if a
 * process with the group's number exists, the group had gone and the number
 * was given away: what bears it now is not ours and must not be touched.
 */
export function groupOutlivesLeader(pgid: number): boolean {
  return !exists(pgid) && exists(-pgid);
}

function exists(target: number): boolean {
  try {
    return send(target, 0);
  } catch (error) {
    // Somebody is there whom we may not signal.
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return true;
    throw error;
  }
}

function send(target: number, signal: number): boolean {
  try {
    return process.kill(target, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

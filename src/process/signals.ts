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

/** What became of a signal: sent; nobody was there; somebody was whom we may not signal. */
export type Delivery = 'sent' | 'gone' | 'denied';

/** Sends a signal, by the machine's own number, to one process. */
export function signalProcess(pid: number, signal: number): Delivery {
  return send(pid, signal);
}

/** Sends a signal, by the machine's own number, to a group: `denied` only if to all of it. */
export function signalGroup(pgid: number, signal: number): Delivery {
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
  return send(pgid, 0) === 'gone' && send(-pgid, 0) !== 'gone';
}

function send(target: number, signal: number): Delivery {
  try {
    process.kill(target, signal);
    return 'sent';
  } catch (error) {
    // ESRCH is all that else can come, kill(2). A child may have become another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'denied' : 'gone';
  }
}

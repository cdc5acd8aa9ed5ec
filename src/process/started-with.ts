import { readFileSync } from 'node:fs';

/**
 * What this program was started with, and what Node.js has made of it before any code of ours
 * ran: it raises the soft limit of open files to the hard one, and takes back that signals
 * are ignored. It keeps no trace of either, so this can only be told by whoever started it.
 */
export interface StartedWith {
  /** The soft limit of open files; undefined: not known. */
  readonly openFiles: number | undefined;
  /** The numbers of the signals that were ignored, as far as they are known. */
  readonly ignored: readonly number[];
}

/** The signals in a set as proc(5) shows it: a hexadecimal number with a bit for each. */
export function signalsIn(set: string): readonly number[] {
  if (!/^[0-9a-f]{1,16}$/.test(set)) return [];
  const bits = BigInt(`0x${set}`);
  return Array.from({ length: 64 }, (_, bit) => bit + 1).filter(
    (signal) => (bits & (1n << BigInt(signal - 1))) !== 0n,
  );
}

/** What proc(5) tells of this program's own signals: which it ignores, or catches. */
export function ownSignals(which: 'SigIgn' | 'SigCgt'): readonly number[] {
  try {
    const status = readFileSync('/proc/self/status', 'latin1');
    return signalsIn(new RegExp(`^${which}:\\s+([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '');
  } catch {
    // A system without it.
    return [];
  }
}

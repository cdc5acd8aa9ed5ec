import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';

/** What the numbers of proc(5) count in. */
export interface MachineUnits {
  /** Milliseconds of a clock tick. */
  readonly tickMs: number;
  /** Bytes of a page. */
  readonly pageBytes: number;
}

/* Entries of the auxiliary vector, getauxval(3), by their numbers in <elf.h>. */
const AT_PAGESZ = 6;
const AT_CLKTCK = 17;

/** What most machines have. */
const USUAL: MachineUnits = { tickMs: 10, pageBytes: 4096 };

/** Those of this machine, as the kernel told this program when it was executed. */
export function machineUnits(): MachineUnits {
  try {
    return unitsIn(readFileSync('/proc/self/auxv'), process.arch.endsWith('64') ? 8 : 4);
  } catch {
    return USUAL;
  }
}

/** Those in an auxiliary vector, whose words have so many bytes. */
export function unitsIn(auxv: Buffer, wordBytes: 4 | 8): MachineUnits {
  const entries = new Map<number, number>();
  for (let at = 0; at + 2 * wordBytes <= auxv.length; at += 2 * wordBytes) {
    entries.set(wordAt(auxv, at, wordBytes), wordAt(auxv, at + wordBytes, wordBytes));
  }
  const ticks = entries.get(AT_CLKTCK);
  return {
    tickMs: ticks === undefined ? USUAL.tickMs : 1000 / ticks,
    pageBytes: entries.get(AT_PAGESZ) ?? USUAL.pageBytes,
  };
}

function wordAt(bytes: Buffer, at: number, wordBytes: 4 | 8): number {
  const isLittle = endianness() === 'LE';
  if (wordBytes === 4) return isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
  return Number(isLittle ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
}

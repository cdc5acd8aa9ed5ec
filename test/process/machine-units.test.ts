import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { machineUnits, unitsIn } from '../../src/process/machine-units.ts';

function auxv(entries: readonly (readonly [number, number])[], wordBytes: 4 | 8): Buffer {
  const words = entries.flat();
  const bytes = Buffer.alloc(words.length * wordBytes);
  for (const [index, word] of words.entries()) {
    if (wordBytes === 8) bytes.writeBigUInt64LE(BigInt(word), index * 8);
    else bytes.writeUInt32LE(word, index * 4);
  }
  return bytes;
}

describe('the units of a machine', () => {
  it('are those that getconf(1) tells', () => {
    const tell = (name: string): number => Number(execFileSync('getconf', [name]));
    expect(machineUnits()).toEqual({ tickMs: 1000 / tell('CLK_TCK'), pageBytes: tell('PAGESIZE') });
  });

  it.each([4, 8] as const)('are found among others, in words of %d bytes', (wordBytes) => {
    const entries = [
      [33, 1],
      [6, 65_536],
      [17, 250],
      [0, 0],
    ] as const;
    expect(unitsIn(auxv(entries, wordBytes), wordBytes)).toEqual({ tickMs: 4, pageBytes: 65_536 });
  });

  it('are the usual ones where nothing tells of them', () => {
    expect(unitsIn(Buffer.alloc(0), 8)).toEqual({ tickMs: 10, pageBytes: 4096 });
    expect(unitsIn(auxv([[17, 100]], 8).subarray(0, 12), 8)).toEqual({
      tickMs: 10,
      pageBytes: 4096,
    });
  });
});

import { describe, expect, it } from 'vitest';
import { progressLine } from '../../src/cli/copy-progress.ts';
import { sizeText } from '../../src/quantities.ts';

const MIB = 2 ** 20;

describe('the progress of a copy', () => {
  it('says how much there is, how fast it comes, and how long the rest takes', () => {
    expect(progressLine({ bytes: 512 * MIB, totalBytes: 1024 * MIB }, 4_000)).toBe(
      ' 50%  512 MiB of 1.0 GiB  128 MiB/s  0:04 left',
    );
    expect(progressLine({ bytes: MIB, totalBytes: 3_600 * MIB }, 1_000)).toBe(
      '  0%  1.0 MiB of 3.5 GiB  1.0 MiB/s  59:59 left',
    );
    expect(progressLine({ bytes: 1, totalBytes: 4_000 }, 1_000)).toBe(
      '  0%  1 B of 3.9 KiB  1 B/s  1:06:39 left',
    );
  });

  it('says what came of what has no end that is known', () => {
    expect(progressLine({ bytes: 3 * MIB }, 2_000)).toBe('3.0 MiB  1.5 MiB/s');
    expect(progressLine({ bytes: 3 * MIB, files: 12 }, 2_000)).toBe('12 files  3.0 MiB  1.5 MiB/s');
  });

  it('makes nothing of a file of no bytes, or that was replaced by a smaller one', () => {
    expect(progressLine({ bytes: 0, totalBytes: 0 }, 1_000)).toBe('100%  0 B of 0 B  0 B/s');
    expect(progressLine({ bytes: 10, totalBytes: 5 }, 1_000)).toBe(
      '100%  10 B of 5 B  10 B/s  0:00 left',
    );
  });
});

describe('a size for people', () => {
  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1.0 KiB'],
    [10_239, '10.0 KiB'],
    [102_400, '100 KiB'],
    [1_048_575, '1.0 MiB'],
    [2 ** 50, '1.0 PiB'],
    [2 ** 63, '8192 PiB'],
  ])('is of %d bytes %s', (bytes, text) => {
    expect(sizeText(bytes)).toBe(text);
  });
});

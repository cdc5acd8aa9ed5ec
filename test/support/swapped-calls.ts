import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Surroundings } from './escapes.ts';
import { FILE_CALLS, type FileCall, type FilesOf, TARGET_CALLS, tells } from './escapes.ts';
import { SOAK } from './soak.ts';

/** Calls beside a loop that swaps a folder for a link. */
export const SWAPPED_CALLS = SOAK ? 20_000 : 4_000;

/** Milliseconds that they may take, on a machine that does much else. */
export const SWAPPED_MS = 1_800_000;

/** Of them at one time. */
const AT_ONCE = 16;

/** Those that read, write or make many files each: of the calls beside the loop one in ten is such. */
const HEAVY = /Tree|Walk|Copy/;

/** What is looked for in the folder that is swapped. */
const BELOW = ['secret', 'sub', 'sub/secret', 'new', 'sub/deep'];

/** Every call, by its name. */
export const CALLS: readonly (readonly [string, FileCall])[] = Object.entries({
  ...FILE_CALLS,
  ...TARGET_CALLS,
});

/** A folder that may be swapped for a link to what is outside, by two names. */
export function swapped({ outside, root }: Surroundings): readonly [string, string] {
  const [folder, link] = [join(root, 'swap'), join(root, 'swapped')];
  mkdirSync(join(folder, 'sub/deep'), { recursive: true });
  writeFileSync(join(folder, 'secret'), 'inside');
  symlinkSync(outside, link);
  return [folder, link];
}

/**
 * Does every call again and again below two names that are swapped all the while, and sees that none
 * tells of what is outside.
 *
 * @param isRefused whether the failure of a call is that of one that was led outside
 * @returns how many were done, and how many were refused for that
 */
export async function callBesideSwaps(
  of: FilesOf,
  names: readonly [string, string],
  { root }: Surroundings,
  isRefused: (failure: string) => boolean,
): Promise<{ readonly done: number; readonly refused: number }> {
  const [light, heavy] = [false, true].map((isHeavy) =>
    CALLS.filter(([name]) => HEAVY.test(name) === isHeavy),
  );
  let begun = 0;
  let done = 0;
  let refused = 0;
  const caller = async (): Promise<void> => {
    while (begun < SWAPPED_CALLS) {
      const number = begun++;
      const calls = (number % 10 === 0 ? heavy : light) ?? [];
      const turn = Math.floor(number / 10) + number;
      const [name, call] = calls[turn % calls.length] ?? ['', () => Promise.resolve()];
      const below = BELOW[Math.floor(number / 20) % BELOW.length];
      const spare = join(root, `spare-${number % 64}`);
      if (name in TARGET_CALLS) await writeFile(spare, 'spare').catch(() => {});
      const answer = await call(of, `${names[number % 2]}/${below}`, spare).catch(
        (error: unknown) => String(error),
      );
      expect([name, tells(answer)]).toEqual([name, false]);
      if (typeof answer !== 'string') done += 1;
      else if (isRefused(answer)) refused += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, caller));
  return { done, refused };
}

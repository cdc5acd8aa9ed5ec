import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readResults, writeResult } from '../../bench/lib/results.mjs';
import { result } from './fixture.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'runlet-results-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

it('has the result of each part that was run', () => {
  writeResult(folder, result());
  expect(readResults(folder, ['other', 'example'])).toEqual([result()]);
});

it('counts the rounds of the run before the newest, and of no other', () => {
  const load = (load: number) => ({ machine: { ...result().machine, load } });
  for (const run of [1, 2, 3]) writeResult(folder, result({ seconds: run, ...load(run) }));
  const [found] = readResults(folder, ['example']);
  expect(found).toMatchObject({ seconds: 3, pooledWith: { load: 2 } });
  expect(found?.rows[0]?.values[0]?.rounds).toEqual([2, 1.5, 3, 2, 1.5, 3]);
  expect(found?.rows[0]?.ratios[0]?.rounds).toEqual([2, 1.5, 3, 2, 1.5, 3]);
});

it('does not count those of another machine', () => {
  writeResult(folder, result({ machine: { ...result().machine, cores: 64 } }));
  writeResult(folder, result());
  expect(readResults(folder, ['example'])).toEqual([result()]);
});

it('refuses a file of something else', () => {
  writeFileSync(join(folder, 'example.json'), '{"rows": []}');
  expect(() => readResults(folder, ['example'])).toThrow('has no result of example');
});

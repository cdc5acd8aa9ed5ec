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

it('keeps the newest result of each part that was run', () => {
  writeResult(folder, result({ seconds: 1 }));
  writeResult(folder, result({ seconds: 2 }));
  expect(readResults(folder, ['other', 'example'])).toEqual([result({ seconds: 2 })]);
});

it('refuses a file of something else', () => {
  writeFileSync(join(folder, 'example.json'), '{"rows": []}');
  expect(() => readResults(folder, ['example'])).toThrow('has no result of example');
});

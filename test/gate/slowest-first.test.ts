import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SLOWEST, slowestFirst } from '../../scripts/gate/slowest-first.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('the files of tests that take longest', () => {
  it('are there', () => {
    expect(SLOWEST.filter((path) => !existsSync(`${ROOT}/${path}`))).toEqual([]);
    expect(new Set(SLOWEST).size).toBe(SLOWEST.length);
  });

  it('come first, in the order of the list, and the others stay in theirs', () => {
    const [first = '', second = ''] = SLOWEST;
    const files = ['b', second, 'a', first];
    expect(slowestFirst(files, (file) => file)).toEqual([first, second, 'b', 'a']);
  });
});

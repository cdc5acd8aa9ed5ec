import { describe, expect, it } from 'vitest';
import { replaceBlocks } from '../../bench/report/markers.mjs';

const TEXT = [
  'Written by hand.',
  '<!-- bench:starts -->',
  'old',
  '<!-- /bench:starts -->',
  'Also by hand.',
  '<!-- bench:streams -->',
  '<!-- /bench:streams -->',
].join('\n');
const KNOWN = ['starts', 'streams'];

describe('a block of a document', () => {
  it('is put between its markers, and all else stays', () => {
    expect(replaceBlocks(TEXT, new Map([['starts', 'new']]), KNOWN)).toBe(
      [
        'Written by hand.',
        '<!-- bench:starts -->',
        '',
        'new',
        '',
        '<!-- /bench:starts -->',
        'Also by hand.',
        '<!-- bench:streams -->',
        '<!-- /bench:streams -->',
      ].join('\n'),
    );
  });

  it('replaces what was put there before', () => {
    const once = replaceBlocks(TEXT, new Map([['starts', 'first']]), KNOWN);
    const twice = replaceBlocks(once, new Map([['starts', 'second']]), KNOWN);
    expect(twice).toBe(replaceBlocks(TEXT, new Map([['starts', 'second']]), KNOWN));
  });

  it('is taken as it is', () => {
    expect(replaceBlocks(TEXT, new Map([['starts', '$& $1']]), KNOWN)).toContain('\n$& $1\n');
  });

  it('is refused without markers', () => {
    expect(() => replaceBlocks('nothing', new Map([['starts', 'new']]), KNOWN)).toThrow(
      'there is no marker bench:starts',
    );
  });
});

describe('a marker', () => {
  const check = (...lines: string[]) => replaceBlocks(lines.join('\n'), new Map(), KNOWN);

  it('is refused if it names no part', () => {
    expect(() => check('<!-- bench:strats -->', '<!-- /bench:strats -->')).toThrow(
      'bench:strats marks no part',
    );
  });

  it('is refused without the one that ends it', () => {
    expect(() => check('<!-- bench:starts -->')).toThrow('has no partner');
  });

  it('is refused without the one that begins it', () => {
    expect(() => check('<!-- /bench:starts -->')).toThrow('has no partner');
  });

  it('is refused inside of another block', () => {
    expect(() =>
      check(
        '<!-- bench:starts -->',
        '<!-- bench:streams -->',
        '<!-- /bench:streams -->',
        '<!-- /bench:starts -->',
      ),
    ).toThrow('has no partner');
  });

  it('is refused a second time', () => {
    const pair = ['<!-- bench:starts -->', '<!-- /bench:starts -->'];
    expect(() => check(...pair, ...pair)).toThrow('is there twice');
  });
});

import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Screen } from '../../../src/cli/top/screen.ts';
import { deedOf, frameOf, keysIn, type View } from '../../../src/cli/top/view.ts';
import { aProcess, statsOf } from './process.ts';

const VIEW: View = { of: 'processes', sort: 'cpu', ended: false, first: 0 };
const HERE = { address: 'unix:/run/s', connected: true };
const MANY = statsOf(
  Array.from({ length: 100 }, (_, i) => aProcess(`p${String(i).padStart(2, '0')}`)),
);

/** What keys make of a view, where so many rows are shown. */
function pressed(keys: string, view = VIEW, page = 10): View | string {
  return keysIn(keys).reduce<View | string>((so, key) => {
    const deed = deedOf(key);
    if (typeof so === 'string' || deed === undefined) return so;
    return typeof deed === 'string' ? deed : deed(so, page);
  }, view);
}

describe('keys', () => {
  it('are told apart, however many are typed at once', () => {
    expect(keysIn('m\x1b[6~\x1b[Aq\x1bOBé')).toEqual([
      'm',
      '\x1b[6~',
      '\x1b[A',
      'q',
      '\x1bOB',
      'é',
    ]);
    expect(keysIn('\x1b')).toEqual(['\x1b']);
  });

  it('end it, sort, move, and choose what is shown', () => {
    expect(pressed('q')).toBe('quit');
    expect(pressed('\x03')).toBe('interrupt');
    expect(pressed('\x1a')).toBe('suspend');
    expect(pressed('m')).toMatchObject({ sort: 'memory' });
    expect(pressed('s')).toMatchObject({ of: 'sessions' });
    expect(pressed('ss')).toMatchObject({ of: 'processes' });
    expect(pressed('e')).toMatchObject({ ended: true });
    expect(pressed('j\x1b[B\x1b[6~')).toMatchObject({ first: 12 });
    expect(pressed('jjkkk')).toMatchObject({ first: 0 });
    expect(pressed('jjjl')).toMatchObject({ first: 0, sort: 'lag' });
    expect(pressed('xyz\x1b[1;5P')).toEqual(VIEW);
    // What every object has is no key.
    expect(deedOf('constructor')).toBeUndefined();
  });
});

describe('a screen', () => {
  it('has a head, as many processes as there is room for, and what keys do', () => {
    const { lines, page } = frameOf(MANY, VIEW, HERE, { columns: 100, rows: 24 });
    expect(lines).toHaveLength(24);
    expect(lines[0]).toBe('runlet top   12:00:00   unix:/run/s');
    expect(lines[1]).toMatch(/^sessions: 0, 0 attached {3}processes: 100 running, /);
    expect(lines[3]).toContain('\x1b[7mPROCESS ');
    expect(stripVTControlCharacters(lines[3] ?? '')).toHaveLength(100);
    expect(lines.slice(4, 23).map((line) => line.slice(0, 3))).toEqual(
      Array.from({ length: 19 }, (_, i) => `p${String(i).padStart(2, '0')}`),
    );
    expect(lines[23]).toMatch(/^1-19 of 100 processes by cpu {3}q quit {3}/);
    expect(page).toBe(19);
  });

  it('goes no further than to the last of them', () => {
    const at = (first: number) =>
      frameOf(MANY, { ...VIEW, first }, HERE, { columns: 90, rows: 24 });
    expect(at(50).first).toBe(50);
    expect(at(1e9).first).toBe(81);
    expect(at(1e9).lines.at(-2)).toMatch(/^p99 /);
  });

  it('says that the connection broke', () => {
    const size = { columns: 100, rows: 24 };
    const { lines } = frameOf(MANY, VIEW, { ...HERE, connected: false }, size);
    expect(lines[0]).toMatch(/ {3}the connection broke; trying to come back {3}unix:/);
  });

  it('fits into any terminal', () => {
    for (const [columns, rows] of [
      [1, 1],
      [5, 2],
      [20, 5],
      [300, 80],
    ] as const) {
      const { lines } = frameOf(MANY, VIEW, HERE, { columns, rows });
      expect(lines.length).toBeLessThanOrEqual(rows);
      for (const line of lines) {
        expect([...stripVTControlCharacters(line)].length).toBeLessThanOrEqual(columns);
      }
    }
  });
});

describe('what is written to a screen', () => {
  it('is what has changed', () => {
    const screen = new Screen();
    expect(screen.show(['one', 'two', ''])).toBe('\x1b[2J\x1b[1;1Hone\x1b[K\x1b[2;1Htwo\x1b[K');
    expect(screen.show(['one', 'two', ''])).toBe('');
    expect(screen.show(['one', 'three'])).toBe('\x1b[2;1Hthree\x1b[K');
    expect(screen.show(['one'])).toBe('\x1b[2;1H\x1b[K');
    screen.forget();
    expect(screen.show(['one'])).toBe('\x1b[2J\x1b[1;1Hone\x1b[K');
  });
});

import { describe, expect, it } from 'vitest';
import { resultText } from '../../bench/report/tables.mjs';
import { latency, result } from './fixture.ts';

describe('the tables of a result', () => {
  it('have a line for each contender, with what was measured of it', () => {
    expect(lines(resultText(result()))).toEqual(
      expect.arrayContaining([
        '| measure | contender | median | p99 | CPU | peak memory |',
        '| latency | runlet | 2.00 ms | 4.00 ms | 0.50 s | 64.0 MiB |',
        '| | bound | 1.00 ms | 1.50 ms | | |',
      ]),
    );
  });

  it('leave out columns that have nothing', () => {
    const [, bound] = latency().values;
    const row = { ...latency(), values: bound === undefined ? [] : [bound], ratios: [] };
    expect(lines(resultText(result({ rows: [row] })))[0]).toBe(
      '| measure | contender | median | p99 |',
    );
  });

  it('say whether a target is met', () => {
    const table = lines(resultText(result({ rows: [latency({ most: 2.5 })] })));
    expect(table).toContain(
      '| latency | runlet / bound | 2.00 (1.50 to 3.00) | at most 2.5 | yes |',
    );
  });

  it('say that a target is missed', () => {
    const table = lines(resultText(result({ rows: [latency({ least: 2.5 })] })));
    expect(table).toContain(
      '| latency | runlet / bound | 2.00 (1.50 to 3.00) | at least 2.5 | no |',
    );
  });

  it('ask nothing of a ratio without a target', () => {
    expect(lines(resultText(result()))).toContain(
      '| latency | runlet / bound | 2.00 (1.50 to 3.00) |',
    );
  });

  it('name a contender that is missing, and how to install it', () => {
    const absent = { name: 'ssh', about: 'OpenSSH', missing: 'apt-get install openssh-server' };
    expect(resultText(result({ contenders: [absent] }))).toContain(
      '**ssh**: OpenSSH. **Missing**, so it was not measured: apt-get install openssh-server',
    );
  });

  it('say what made them, when and where', () => {
    expect(resultText(result())).toContain(
      'Measured in 13 s with `npm run bench -- example`, on 2026-01-02 at a load of 0.5: runlet 1.2.3, Node.js v20.1.2',
    );
  });

  it('are not there for a part that measured nothing', () => {
    expect(resultText(result({ rows: [] }))).not.toContain('|');
  });
});

/** The lines of a text, without what aligns their columns. */
function lines(text: string): string[] {
  return text.split('\n').map((line) => line.replaceAll(/ +/g, ' '));
}

import { describe, expect, it } from 'vitest';
import { SORTS, type Sort, sorted } from '../../../src/cli/top/sorting.ts';
import { processLines, sessionLines, type TableOptions } from '../../../src/cli/top/tables.ts';
import type { Stats } from '../../../src/client/index.ts';
import { aProcess, NOW, statsOf } from './process.ts';

const OPTIONS: TableOptions = { sort: 'cpu', ended: false, width: 200, whole: false };

function printed(stats: Stats, options: Partial<TableOptions> = {}): readonly string[] {
  const lines = processLines(stats, { ...OPTIONS, ...options });
  return [lines.title, ...Array.from({ length: lines.count }, (_, i) => lines.at(i))];
}

const MANY = statsOf([
  aProcess('quiet'),
  aProcess('busy', { cpu: 1.234, members: 3 }),
  aProcess('large', { residentBytes: 5 * 1024 ** 3, cpu: 0.05 }),
  aProcess('loud', { outputRate: 2048, outputBytes: 4096 }),
  aProcess('old', { startTime: new Date(NOW.getTime() - 7_200_000) }),
  aProcess('behind', { readers: 2, lagBytes: 1_500_000 }),
]);

describe('the order of processes', () => {
  it.each([
    ['cpu', 'busy'],
    ['memory', 'large'],
    ['output', 'loud'],
    ['age', 'old'],
    ['lag', 'behind'],
  ] satisfies readonly (readonly [Sort, string])[])('by %s begins with %s', (sort, first) => {
    expect(sorted(MANY.processes, sort)[0]?.id).toBe(first);
    expect(SORTS).toContain(sort);
  });

  it('is the same for what is the same, and what has ended is last', () => {
    const ended = aProcess('a', { state: 'closed', cpu: 3 });
    const some = [aProcess('c'), ended, aProcess('b'), aProcess('d', { cpu: undefined })];
    const ids = (list: typeof some): readonly string[] => sorted(list, 'cpu').map(({ id }) => id);
    expect(ids(some)).toEqual(['b', 'c', 'd', 'a']);
    expect(ids(some.toReversed())).toEqual(['b', 'c', 'd', 'a']);
  });
});

describe('the table of processes', () => {
  it('says of each what it is and uses', () => {
    expect(printed(MANY)).toEqual([
      'PROCESS                   SESSION       PID  STATE     CPU%    MEMORY  OUTPUT/S    OUTPUT  READERS       LAG     AGE  PROGRAM',
      'busy                      5f0c0d2e     4711  running    123       0 B       0 B       0 B        0         -   1 min  /bin/sh',
      'large                     5f0c0d2e     4711  running    5.0   5.0 GiB       0 B       0 B        0         -   1 min  /bin/sh',
      'old                       5f0c0d2e     4711  running    0.0       0 B       0 B       0 B        0         -     2 h  /bin/sh',
      'behind                    5f0c0d2e     4711  running    0.0       0 B       0 B       0 B        2   1.4 MiB   1 min  /bin/sh',
      'loud                      5f0c0d2e     4711  running    0.0       0 B   2.0 KiB   4.0 KiB        0         -   1 min  /bin/sh',
      'quiet                     5f0c0d2e     4711  running    0.0       0 B       0 B       0 B        0         -   1 min  /bin/sh',
    ]);
  });

  it('has those that have ended where they are asked for, as old as they became', () => {
    const exitTime = new Date(NOW.getTime() - 55_000);
    const stats = statsOf([aProcess('over', { state: 'closed', exitTime })]);
    expect(printed(stats)).toHaveLength(1);
    expect(printed(stats, { ended: true })[1]).toMatch(/ closed .* 5 s {2}\/bin\/sh$/);
  });

  it('leaves out columns for which there is no room, and is not wider than that', () => {
    const titles = (width: number): readonly string[] =>
      printed(MANY, { width })[0]?.split(/ +/) ?? [];
    expect(titles(100)).not.toContain('READERS');
    expect(titles(80)).toEqual(['PROCESS', 'CPU%', 'MEMORY', 'OUTPUT/S', 'LAG', 'AGE', 'PROGRAM']);
    for (let width = 1; width < 130; width++) {
      for (const line of printed(MANY, { width })) {
        expect([...line].length).toBeLessThanOrEqual(width);
      }
    }
  });

  it('is as it was where numbers become longer', () => {
    const before = printed(statsOf([aProcess('p')]))[0];
    const after = printed(
      statsOf([aProcess('p', { cpu: 99, outputBytes: 1023 * 1024, residentBytes: 1 })]),
    )[0];
    expect(after).toBe(before);
  });

  it('shows nothing of a name that could change a terminal, and cuts long ones', () => {
    const id = `\x1b[2J\u202e${'x'.repeat(50)}`;
    const program = '/tmp/\x1b]0;title\x07\n';
    const lines = printed(statsOf([aProcess(id, { program })]));
    expect(lines[1]).toMatch(/^\\u\{1b\}\[2J\\u\{202e\}x{6}… {2}/);
    expect(lines[1]).toMatch(/\/tmp\/\\u\{1b\}\]0;title\\u\{7\}\\u\{a\}$/);
    const [, whole] = printed(statsOf([aProcess(id)]), { whole: true });
    expect(whole).toContain('x'.repeat(50));
  });

  it('says whose each is where there are several', () => {
    const both = statsOf([aProcess('a'), aProcess('b', { owner: 'token:ci' })]);
    expect(printed(both)[0]).toContain(' OWNER ');
    expect(printed(both)[2]).toContain(' token:ci ');
  });

  it('has a dash for what is not known', () => {
    const unknown = { cpu: undefined, residentBytes: undefined, outputRate: undefined };
    const [, line] = printed(statsOf([aProcess('p', { ...unknown, sessionId: undefined })]));
    expect(line?.match(/ -(?= )/g)).toHaveLength(5);
  });
});

describe('the table of sessions', () => {
  const session = (id: string) => {
    const createTime = new Date(NOW.getTime() - 5_000);
    return { id, owner: 'peer:1000', createTime, attached: id === 'one', processCount: 2 };
  };

  it('adds up what processes use', () => {
    const stats = statsOf(
      [
        aProcess('a', { sessionId: 'one', cpu: 0.5, residentBytes: 1024, outputRate: 1 }),
        aProcess('b', { sessionId: 'one', cpu: 0.25, residentBytes: 1024, lagBytes: 5 }),
        aProcess('c', { sessionId: 'two', cpu: undefined, state: 'closed' }),
        aProcess('d', { sessionId: undefined, cpu: 9 }),
      ],
      [session('two'), session('one')],
    );
    const lines = sessionLines(stats, OPTIONS);
    expect([lines.title, lines.at(0), lines.at(1), lines.at(2)]).toEqual([
      'SESSION  RUNNING   KEPT   CPU%    MEMORY  OUTPUT/S       LAG     AGE  ATTACHED',
      'one            2      0   75.0   2.0 KiB       1 B       5 B     5 s  yes',
      'two            0      2      -       0 B       0 B       0 B     5 s  no',
      '',
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { followTerminal } from '../../src/cli/terminal-state.ts';
import { type TerminalPlace, TerminalView } from '../../src/cli/terminal-view.ts';
import type { ProcessEvent } from '../../src/client/index.ts';

const SIZE = { columns: 80, rows: 24 };
const MIB = 1024 * 1024;

/** What a terminal of the same size would be after all that was written to it. */
async function screenAfter(...written: readonly string[]): Promise<string> {
  const state = followTerminal(SIZE);
  for (const text of written) await state.feed(Buffer.from(text, 'latin1'));
  return state.snapshot().toString();
}

/**
 * A view of a terminal whose past has `past` pieces, and what our own is written. `first` is the
 * number of the first piece that is seen, `modes` are those that are in force in the end.
 */
function viewOf(past: number, first = 1, modes = '') {
  const shown: string[] = [];
  const state = followTerminal(SIZE);
  const output = {
    write: async (data: Uint8Array) => void shown.push(Buffer.from(data).toString('latin1')),
  };
  const places: TerminalPlace[] = [];
  const view = new TerminalView({
    state,
    output,
    ownSize: () => SIZE,
    place: { lastSeq: past, terminal: { ...SIZE, modes: Buffer.from(modes) } },
    locate: () => Promise.resolve(places.shift()),
  });
  const sink = view.over(async () => {});
  let seq = first - 1;
  return {
    view,
    /** The next time that it is asked the terminal stands there. */
    stands: (lastSeq: number, inForce = '') =>
      places.push({ lastSeq, terminal: { ...SIZE, modes: Buffer.from(inForce) } }),
    async gap(): Promise<void> {
      seq += 1;
      await sink({ kind: 'gap', seq, time: new Date(0), ranges: [] });
    },
    async resized(columns: number, rows: number): Promise<void> {
      seq += 1;
      await sink({ kind: 'resized', seq, time: new Date(0), columns, rows });
    },
    async write(...pieces: readonly string[]): Promise<void> {
      for (const piece of pieces) {
        seq += 1;
        const data = Buffer.from(piece, 'latin1');
        const event = { kind: 'output', stream: 'terminal', offset: 0, seq, data };
        await sink(event as unknown as ProcessEvent);
      }
    },
    async left(): Promise<string> {
      shown.length = 0;
      await view.leave();
      return shown.join('');
    },
    shown: () => shown.join(''),
  };
}

describe('a terminal that is shown again', () => {
  it('has what is on its screen and above it, and asks nothing of what it asked before', async () => {
    const { shown, write } = viewOf(3);
    const lines = Array.from({ length: 100 }, (_, i) => `line ${i}\r\n`).join('');
    await write(`${lines}\x1b[6n\x1b[c\x1b]10;?\x07`, '\x1b[31mtwo\x1b[0m\r\n');
    expect(shown()).toBe('');
    await write('three');
    expect(await screenAfter(shown())).toBe(
      await screenAfter(lines, '\x1b[31mtwo\x1b[0m\r\nthree'),
    );
    for (const question of ['[6n', '[c', ']10;?']) expect(shown()).not.toContain(question);
  });

  it('then shows what is written as it is, questions too', async () => {
    const { shown, write } = viewOf(1);
    await write('one\r\n', '\x1b[6n', 'two');
    expect(shown()).toMatch(/\[6ntwo$/);
    expect(await screenAfter('above\r\n'.repeat(100), shown())).toContain('above\r\none\r\ntwo');
  });

  const MANY = ['?1049h', '?1h', '?2004h', '?1002h', '?1006h', '?25l', '>1u'];

  it.each([
    ['by the server', 900, MANY.map((mode) => `\x1b[${mode}`).join('')],
    ['as much is read that it was seen', 1, ''],
  ])(
    'has the modes that are in force, however long ago they were set: %s',
    async (_, first, modes) => {
      const { shown, write } = viewOf(first + 4, first, modes);
      if (first === 1) await write(`${MANY.map((mode) => `\x1b[${mode}`).join('')}full`);
      else await write('full');
      await write(
        'x'.repeat(MIB / 4),
        'y'.repeat(MIB / 4),
        'z'.repeat(MIB / 4),
        '\x1b[2J\x1b[Hlast',
      );
      for (const mode of MANY) expect(shown()).toContain(`\x1b[${mode}`);
      expect(shown()).toContain('last');
      expect(shown()).not.toContain('full');
    },
  );

  it('begins on the screen that was left meanwhile', async () => {
    const { shown, write } = viewOf(9, 9);
    await write('of the full screen\x1b[?1049l$ ');
    expect(shown()).not.toContain('of the full screen');
    expect(shown()).toMatch(/\$ $/);
  });

  it('begins on the screen that was not yet left', async () => {
    const { shown, write } = viewOf(9, 9, '\x1b[?1049h');
    await write('$ vi\x1b[?1049hfile');
    expect(shown().indexOf('$ vi')).toBeLessThan(shown().indexOf('[?1049h'));
    expect(shown()).toMatch(/file$/);
  });

  it('is shown anew after a gap, with the modes that are in force', async () => {
    const { gap, shown, stands, write } = viewOf(0);
    await write('\x1b[?2004h\x1b[?1000hbefore');
    stands(4, '\x1b[?1h');
    await gap();
    await write('half');
    expect(shown()).not.toContain('half');
    await write(' of it', ' and on');
    const after = shown().slice(shown().indexOf('before'));
    for (const mode of ['?2004l', '?1000l', '?1h']) expect(after).toContain(`\x1b[${mode}`);
    expect(after).toContain('half of it\x1b[?1h and on');
  });

  it('is drawn in the sizes that it had', async () => {
    const narrow = '\x1b[1;20Hat the edge';
    const wide = '\x1b[2;20Hbeyond it';
    const { resized, shown, write } = viewOf(4);
    await resized(10, 5);
    await write(narrow);
    await resized(SIZE.columns, SIZE.rows);
    await write(wide);
    const state = followTerminal({ columns: 10, rows: 5 });
    await state.feed(Buffer.from(narrow));
    state.resize(SIZE);
    await state.feed(Buffer.from(wide));
    const screen = await screenAfter(shown());
    expect(screen).toBe(await screenAfter(state.snapshot().toString()));
    expect(screen).not.toBe(await screenAfter((await screenAfter(narrow, wide)).toString()));
  });

  it('has no modes that were unset again', async () => {
    const { shown, write } = viewOf(3);
    await write('\x1b[?1049h\x1b[?1006h\x1b[?25l', '\x1b[?1049l', '\x1b[?1006l\x1b[?25hdone');
    expect(shown()).not.toContain('\x1b[?');
  });

  it.each([
    ['a sequence', 'one\x1b[3', '1mred'],
    ['a title', 'one\x1b]0;ti', 'tle\x07red'],
    ['a character', 'one\xe2\x82', '\xacred'],
  ])('goes on in the middle of %s', async (_, past, next) => {
    const { shown, write } = viewOf(1);
    await write(past, next);
    expect(await screenAfter(shown())).toBe(await screenAfter(past + next));
  });
});

describe('a terminal that is left', () => {
  it('gets nothing where nothing was set', async () => {
    const { left, write } = viewOf(0);
    await write('\x1b[31mone\x1b[0m\r\n\x1b[?2004h', '\x1b[?2004l');
    expect(await left()).toBe('');
  });

  it('is as it was found', async () => {
    const { left, write } = viewOf(1);
    await write(
      '\x1b[?1049h\x1b[?1h\x1b=',
      '\x1b[?2004h\x1b[?1002;1006h\x1b[?25l\x1b[2;5r\x1b[3 q',
    );
    const undone = await left();
    for (const undo of ['?1l', '?2004l', '?1002l', '?1006l', '?25h', 'r', '0 q', '?1049l', '0m']) {
      expect(undone).toContain(`\x1b[${undo}`);
    }
    expect(undone).toContain('\x1b>');
  });
});

describe('a flood that is interrupted', () => {
  it('is passed over to its end, of which the screen is shown', async () => {
    const { shown, stands, view, write } = viewOf(0);
    await write('\x1b[?2004hbegin\r\n');
    stands(101, '\x1b[?2004h');
    await view.skip();
    const before = shown();
    await write(...Array.from({ length: 99 }, (_, i) => `line ${i}\r\n`.repeat(1000)));
    expect(shown()).toBe(before);
    await write('^C\r\n> ');
    expect(shown().length - before.length).toBeLessThan(1000);
    expect(shown()).toContain('\x1b[?2004l');
    expect(shown().endsWith('line 98\r\n^C\r\n> \x1b[?2004h')).toBe(true);
    await write('after');
    expect(shown()).toMatch(/after$/);
  });

  it('is shown where little of it waits', async () => {
    const { shown, stands, view, write } = viewOf(0);
    await write('begin\r\n');
    stands(3);
    await view.skip();
    await write('more\r\n');
    expect(shown().endsWith('begin\r\nmore\r\n')).toBe(true);
  });
});

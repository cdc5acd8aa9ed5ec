import { describe, expect, it } from 'vitest';
import { followTerminal } from '../../src/cli/terminal-state.ts';
import { TerminalView } from '../../src/cli/terminal-view.ts';
import type { ProcessEvent } from '../../src/client/index.ts';

const SIZE = { columns: 80, rows: 24 };
const MIB = 1024 * 1024;

/** What a terminal of the same size would be after all that was written to it. */
async function screenAfter(...written: readonly string[]): Promise<string> {
  const state = followTerminal(SIZE);
  for (const text of written) await state.feed(Buffer.from(text, 'latin1'));
  return state.snapshot().toString();
}

/** A view of a terminal whose past has `past` pieces, and what our own is written. */
function viewOf(past: number) {
  const shown: string[] = [];
  const state = followTerminal(SIZE);
  const output = {
    write: async (data: Uint8Array) => void shown.push(Buffer.from(data).toString('latin1')),
  };
  const view = new TerminalView(state, output, past);
  const sink = view.over(async () => {});
  let seq = 0;
  return {
    view,
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

  it('has the modes that are in force, however long ago they were set', async () => {
    const { shown, write } = viewOf(5);
    await write(
      '\x1b[?1049h\x1b[?1h\x1b[?2004h\x1b[?1002;1006h\x1b[?25lfull',
      'x'.repeat(MIB),
      'y'.repeat(MIB),
      'z'.repeat(MIB),
      '\x1b[2J\x1b[Hlast',
    );
    for (const mode of ['1049h', '1h', '2004h', '1002h', '1006h', '25l']) {
      expect(shown()).toContain(`\x1b[?${mode}`);
    }
    expect(shown()).toContain('last');
    expect(shown()).not.toContain('full');
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

  it('goes on in the middle of a sequence though long ago was much without one', async () => {
    const { shown, write } = viewOf(4);
    await write('\x1b[?100', '2h', 'x'.repeat(MIB), 'y'.repeat(MIB));
    expect(shown()).toContain('\x1b[?1002h');
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
    const { shown, view, write } = viewOf(0);
    await write('\x1b[?2004hbegin\r\n');
    view.skipTo(101);
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
    const { shown, view, write } = viewOf(0);
    await write('begin\r\n');
    view.skipTo(3);
    await write('more\r\n');
    expect(shown().endsWith('begin\r\nmore\r\n')).toBe(true);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_MODES_BYTES, TerminalModes } from '../src/terminal-modes.ts';

/** The modes after all that was written. */
function modesAfter(...written: readonly string[]): TerminalModes {
  const modes = new TerminalModes();
  for (const text of written) modes.feed(Buffer.from(text, 'latin1'));
  return modes;
}

/** Sequences that set something, what undoes each of them, and text. */
const SETTING: readonly (readonly [string, string])[] = [
  ['\x1b[?1h', '\x1b[?1l'],
  ['\x1b[?7l', '\x1b[?7h'],
  ['\x1b[?25l', '\x1b[?25h'],
  ['\x1b[?1004h', '\x1b[?1004l'],
  ['\x1b[?2004h', '\x1b[?2004l'],
  ['\x1b[?1002h', '\x1b[?1002l'],
  ['\x1b[?1006h', '\x1b[?1006l'],
  ['\x1b[?1049h', '\x1b[?1049l'],
  ['\x1b[4h', '\x1b[4l'],
  ['\x1b[20h', '\x1b[20l'],
  ['\x1b=', '\x1b>'],
  ['\x1b7\x1b[2;5r\x1b8', '\x1b7\x1b[r\x1b8'],
  ['\x1b[3 q', '\x1b[0 q'],
  ['\x1b(0', '\x1b(B'],
  ['\x1b[>4;2m', '\x1b[>4m'],
  ['\x1b[>5u', '\x1b[<1u'],
];

const written = fc.array(
  fc.oneof(
    fc.constantFrom(...SETTING.flat(), '\x1b[?1000;1006h', '\x1b[=3;2u', '\x1bc', '\x1b[!p'),
    fc.string({ unit: 'binary', maxLength: 5 }),
    fc.constantFrom(
      '\x1b]0;title\x07',
      '\x1bPq#0~~\x1b\\',
      '\x1b[31m',
      '\x1b[6n',
      '\x1b',
      '\x1b[?',
    ),
  ),
  { maxLength: 40 },
);

describe('the modes of a terminal', () => {
  it.each(SETTING)('has %j in force until %j', (set, undo) => {
    expect(modesAfter('text', set, 'text').sequences()).toBe(set);
    expect(modesAfter(set).undo()).toBe(`${undo}\x1b[0m`);
    expect(modesAfter(set, undo).sequences()).toBe('');
    expect(modesAfter(set, undo).undo()).toBe('');
    expect(modesAfter(set, '\x1bc').sequences()).toBe('');
  });

  it('are set again by what they are told as, and undone by what undoes them', () => {
    fc.assert(
      fc.property(written, (texts) => {
        const modes = modesAfter(texts.join(''));
        const told = modes.sequences();
        expect(modesAfter(told).sequences()).toBe(told);
        expect(modesAfter(told, modes.undo()).sequences()).toBe('');
        expect(modesAfter(told, modes.undo()).undo()).toBe('');
      }),
    );
  });

  it('are the same however what was written is cut', () => {
    fc.assert(
      fc.property(written, fc.integer({ min: 1, max: 7 }), (texts, size) => {
        const whole = texts.join('');
        const pieces: string[] = [];
        for (let at = 0; at < whole.length; at += size) pieces.push(whole.slice(at, at + size));
        expect(modesAfter(...pieces).sequences()).toBe(modesAfter(whole).sequences());
      }),
    );
  });

  it('are not set in titles and pictures, nor by sequences that were broken off', () => {
    expect(modesAfter('\x1b]0;[?1h\x07', '\x1bP[?1h\x1b\\', '\x1b[?1\x18h').sequences()).toBe('');
    expect(modesAfter('\x1b]0;title\x1b[?1h').sequences()).toBe('\x1b[?1h');
    expect(modesAfter('\x1b[?1\x1b[?2004h').sequences()).toBe('\x1b[?2004h');
  });

  it('know of the mouse what was set last', () => {
    expect(modesAfter('\x1b[?1000h\x1b[?1003h\x1b[?1015h\x1b[?1006h').sequences()).toBe(
      '\x1b[?1003h\x1b[?1006h',
    );
    expect(modesAfter('\x1b[?1003h\x1b[?1000l').sequences()).toBe('');
  });

  it('keep the flags of the keyboard for each screen', () => {
    const modes = modesAfter('\x1b[>1u\x1b[?1049h\x1b[>3u\x1b[>7u');
    expect(modes.sequences()).toBe('\x1b[>1u\x1b[?1049h\x1b[>3u\x1b[>7u');
    expect(modes.undo()).toBe('\x1b[<2u\x1b[?1049l\x1b[<1u\x1b[0m');
    expect(modesAfter('\x1b[>1u\x1b[?1049h\x1b[>3u\x1b[?1049l').sequences()).toBe('\x1b[>1u');
  });

  it('end an update that was to be shown when it is complete', () => {
    expect(modesAfter('\x1b[?2026h').sequences()).toBe('');
    expect(modesAfter('\x1b[?2026h').undo()).toContain('\x1b[?2026l');
  });

  it('never take more bytes than there is room for', () => {
    const all = Array.from({ length: 3_000 }, (_, mode) => `\x1b[?${mode}${mode % 7 ? 'h' : 'l'}`);
    const modes = modesAfter(
      all.join(''),
      '\x1b[?7;25l\x1b[99999;99999r\x1b=\x1b[4h\x1b[20h\x1b[6 q\x1b(0\x1b[>4;2m',
      '\x1b[>31u'.repeat(100),
      '\x1b[?1049h',
      '\x1b[>31u'.repeat(100),
    );
    expect(modes.sequences().length).toBeGreaterThan(200);
    expect(modes.sequences().length).toBeLessThan(MAX_MODES_BYTES);
  });
});

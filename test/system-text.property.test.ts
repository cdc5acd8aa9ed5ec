import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOfText, isPlain, shownText, textOfBytes } from '../src/system-text.ts';

describe('the text of some bytes', () => {
  it('stands for these bytes and for no others', () => {
    const bytes = fc.oneof(
      fc.uint8Array(),
      // Much that begins as UTF-8 does.
      fc.array(
        fc.constantFrom(
          0x41,
          0x80,
          0xbf,
          0xc3,
          0xa9,
          0xe2,
          0x82,
          0xac,
          0xed,
          0xa0,
          0xf0,
          0x9f,
          0xff,
        ),
      ),
    );
    fc.assert(
      fc.property(bytes, (given) => {
        expect([...bytesOfText(textOfBytes(Uint8Array.from(given)))]).toEqual([...given]);
      }),
    );
  });

  it('is itself where they are UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(textOfBytes(Buffer.from(text))).toBe(text);
        expect(isPlain(text)).toBe(true);
      }),
    );
  });

  it('has another character for people in place of what is not', () => {
    const text = textOfBytes(Buffer.from([0x61, 0xe9, 0xc3, 0xa9, 0x62]));
    expect(isPlain(text)).toBe(false);
    expect(shownText(text)).toBe('a\u{FFFD}éb');
  });
});

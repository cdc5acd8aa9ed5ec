import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_DETACH_KEYS, DetachKeys, parseDetachKeys } from '../../src/cli/detach-keys.ts';

describe('keys that detach', () => {
  it.each([
    [DEFAULT_DETACH_KEYS, [0x10, 0x11]],
    ['ctrl-A,b,ctrl-\\', [1, 0x62, 0x1c]],
    ['ctrl-@', [0]],
    ['ä', [0xc3, 0xa4]],
    ['', []],
  ])('are read: %s', (text, bytes) => {
    expect([...parseDetachKeys(text)]).toEqual(bytes);
  });

  it.each(['ctrl-', 'ctrl-1', 'ab', 'a,', 'ctrl-ab'])('are refused: %s', (text) => {
    expect(() => parseDetachKeys(text)).toThrow('expected keys like');
  });

  it('are found wherever what is typed is parted, and all before them is passed on', () => {
    // Few letters, so that beginnings of the keys come often.
    const letters = fc.array(fc.constantFrom(0x61, 0x62), { maxLength: 30 });
    const keys = fc.array(fc.constantFrom(0x61, 0x62), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(keys, letters, fc.array(fc.nat(5)), (sought, typed, sizes) => {
        const detach = new DetachKeys(Buffer.from(sought));
        const passed: Buffer[] = [];
        let rest = Buffer.from(typed);
        const found = rest.indexOf(Buffer.from(sought));
        for (let i = 0; rest.byteLength > 0; i++) {
          const size = (sizes[i] ?? 0) + 1;
          const data = detach.take(rest.subarray(0, size));
          if (data === undefined) break;
          passed.push(data);
          rest = rest.subarray(size);
        }
        const got = Buffer.concat(passed);
        const whole = Buffer.from(typed);
        if (found === -1) {
          // What is held back is the beginning of the keys.
          const held = whole.subarray(got.byteLength);
          expect(whole.subarray(0, got.byteLength).equals(got)).toBe(true);
          expect(Buffer.from(sought).subarray(0, held.byteLength).equals(held)).toBe(true);
        } else {
          expect(rest.byteLength).toBeGreaterThan(0);
          expect(whole.subarray(0, got.byteLength).equals(got)).toBe(true);
          expect(got.byteLength).toBeLessThanOrEqual(found);
        }
      }),
    );
  });

  it('are never found where there are none', () => {
    const detach = new DetachKeys(parseDetachKeys(''));
    expect(detach.take(Buffer.from([0x10, 0x11]))?.byteLength).toBe(2);
  });
});

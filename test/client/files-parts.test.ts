import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { uploadSource } from '../../src/client/files/upload-source.ts';
import { isBeyond, placeOf } from '../../src/client/files/walk-place.ts';

const MIB = 1024 * 1024;

describe('the place of a file in a walk', () => {
  it('is by depth, and then by the bytes of names', () => {
    const order = [
      '/r/B',
      '/r/a',
      '/r/a.txt',
      '/r/\u00e9',
      Uint8Array.from(Buffer.concat([Buffer.from('/r/'), Buffer.of(0xff)])),
      '/r/B/z',
      // Of another folder, though its bytes come before those of the last.
      '/r/a/b',
      '/r/a.txt/a',
      '/r/B/a/a',
    ];
    const places = order.map(placeOf);
    for (const [i, place] of places.entries()) {
      expect(places.map((other) => isBeyond(place, other))).toEqual(order.map((_, j) => i > j));
    }
  });
});

describe('a stream that is uploaded', () => {
  /** A stream without end, and how much of it was read. */
  function endless(): { readonly stream: AsyncGenerator<Uint8Array>; readonly read: () => number } {
    let read = 0;
    const generate = async function* (): AsyncGenerator<Uint8Array> {
      for (;;) {
        read += MIB;
        yield randomBytes(MIB);
      }
    };
    return { stream: generate(), read: () => read };
  }

  it('is read no further ahead than what may have to be sent again', async () => {
    const { read, stream } = endless();
    const source = uploadSource(stream);
    const pieces = source.from(0)[Symbol.asyncIterator]();
    const sent: Uint8Array[] = [];
    const take = async (bytes: number): Promise<void> => {
      for (let taken = 0; taken < bytes; ) {
        const { value } = await pieces.next();
        sent.push(value);
        taken += value.byteLength;
      }
    };
    await take(8 * MIB);
    await source.wantsRelease();
    const next = pieces.next();
    let isTaken = false;
    void next.then(() => {
      isTaken = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect({ isTaken, read: read() }).toEqual({ isTaken: false, read: 8 * MIB });
    // All after what was accepted is there again.
    source.release(3 * MIB + 5);
    await next;
    expect(source.start).toBe(3 * MIB);
    const again: Uint8Array[] = [];
    for await (const piece of source.from(3 * MIB + 5)) {
      again.push(piece);
      if (again.reduce((sum, { byteLength }) => sum + byteLength, 0) >= 5 * MIB - 5) break;
    }
    const expected = Buffer.concat(sent).subarray(3 * MIB + 5);
    expect(Buffer.concat(again).equals(expected)).toBe(true);
    source.close();
  });

  it('is destroyed when it is not wanted any more', async () => {
    const stream = Readable.from(endless().stream);
    const source = uploadSource(stream);
    await source.from(0)[Symbol.asyncIterator]().next();
    source.close();
    expect(stream.destroyed).toBe(true);
  });

  it('fails with its own error, also where it gives no bytes', async () => {
    const wrong = uploadSource([17] as never);
    await expect(wrong.from(0)[Symbol.asyncIterator]().next()).rejects.toThrow('stream of bytes');
    expect(wrong.failure?.error).toMatchObject({ option: 'content' });
  });
});

import { describe, expect, it } from 'vitest';
import { heldPipe, never, quiet } from './held-pipe.ts';

describe('a write', () => {
  it('resolves with the bytes accepted in all once they are in the pipe', async () => {
    const { received, release, write } = heldPipe();
    const first = write('abc');
    await quiet();
    expect(first.value).toBe('pending');
    release();
    expect(await first.settled).toBe(3);
    const second = write('de');
    release();
    expect(await second.settled).toBe(5);
    expect(received()).toBe('abcde');
  });

  it('waits its turn, in the order of arrival', async () => {
    const { received, release, write } = heldPipe();
    const writes = [write('first '), write('second '), write('third')];
    release();
    await quiet();
    expect(received()).toBe('first ');
    expect(writes.map(({ value }) => value)).toEqual([6, 'pending', 'pending']);
    release();
    release();
    expect(await Promise.all(writes.map(({ settled }) => settled))).toEqual([6, 13, 18]);
    expect(received()).toBe('first second third');
  });

  it('of nothing touches the pipe only in its turn', async () => {
    const { isHeld, release, write } = heldPipe();
    const first = write('abc');
    const empty = write('');
    await quiet();
    expect(empty.value).toBe('pending');
    release();
    expect(await first.settled).toBe(3);
    expect(await empty.settled).toBe(3);
    expect(isHeld()).toBe(false);
  });
});

describe('a write with an offset', () => {
  it('is skipped where all of it was accepted before', async () => {
    const { isHeld, received, release, write } = heldPipe();
    write('abcdef');
    release();
    expect(await write('bcd', { offset: 1 }).settled).toBe(6);
    expect(await write('abcdef', { offset: 0 }).settled).toBe(6);
    expect(isHeld()).toBe(false);
    expect(received()).toBe('abcdef');
  });

  it('adds what of it is new', async () => {
    const { received, release, write } = heldPipe();
    write('abcd');
    release();
    const overlapping = write('cdef', { offset: 2 });
    release();
    expect(await overlapping.settled).toBe(6);
    expect(received()).toBe('abcdef');
  });

  it('is refused beyond what was accepted, which the error tells', async () => {
    const { pipe, received, release, write } = heldPipe();
    write('abc');
    release();
    await expect(
      pipe.write({ offset: 4, data: Buffer.from('e'), eof: true }, never),
    ).rejects.toMatchObject({
      reason: 'STDIN_OFFSET_GAP',
      details: { metadata: { accepted_offset: '3' } },
    });
    const next = write('d', { offset: 3 });
    release();
    expect(await next.settled).toBe(4);
    expect(received()).toBe('abcd');
  });

  it('is judged when its turn comes', async () => {
    const { received, release, write } = heldPipe();
    write('abc');
    const next = write('def', { offset: 3 });
    release();
    release();
    expect(await next.settled).toBe(6);
    expect(received()).toBe('abcdef');
  });

  it('that repeats one under way waits for it and is not doubled', async () => {
    const { received, release, write } = heldPipe();
    const original = write('abc', { offset: 0 });
    const retry = write('abc', { offset: 0 });
    await quiet();
    expect(retry.value).toBe('pending');
    release();
    expect(await original.settled).toBe(3);
    expect(await retry.settled).toBe(3);
    expect(release()).toBe(false);
    expect(received()).toBe('abc');
  });
});

describe('end of file', () => {
  it('follows the data, ends the sink and is told once', async () => {
    const { closedCalls, received, release, sink, write } = heldPipe();
    const last = write('abc', { eof: true });
    await quiet();
    expect(sink.writableEnded).toBe(false);
    release();
    expect(await last.settled).toBe(3);
    expect(sink.writableEnded).toBe(true);
    expect(received()).toBe('abc');
    expect(closedCalls()).toBe(1);
  });

  it('needs no data', async () => {
    const { closedCalls, sink, write } = heldPipe();
    expect(await write('', { eof: true }).settled).toBe(0);
    expect(sink.writableEnded).toBe(true);
    expect(closedCalls()).toBe(1);
  });

  it('closes the pipe for the writes behind it', async () => {
    const { received, release, write } = heldPipe();
    write('abc', { eof: true });
    const late = write('def');
    release();
    expect(await late.settled).toBe('STDIN_CLOSED');
    expect(await write('').settled).toBe('STDIN_CLOSED');
    expect(await write('def', { offset: 3 }).settled).toBe('STDIN_CLOSED');
    expect(await write('', { eof: true }).settled).toBe('STDIN_CLOSED');
    expect(received()).toBe('abc');
  });

  it('can be repeated with its offset, as can every write before it', async () => {
    const { closedCalls, release, write } = heldPipe();
    write('abc', { eof: true });
    release();
    expect(await write('abc', { offset: 0, eof: true }).settled).toBe(3);
    expect(await write('', { offset: 3, eof: true }).settled).toBe(3);
    expect(await write('ab', { offset: 0 }).settled).toBe(3);
    expect(closedCalls()).toBe(1);
  });
});

describe('the limit of queued bytes', () => {
  it('counts what is being written, and refuses what exceeds it', async () => {
    const { pipe, received, release, write } = heldPipe(5);
    write('abc');
    await expect(
      pipe.write({ offset: undefined, data: Buffer.from('def'), eof: false }, never),
    ).rejects.toMatchObject({
      reason: 'LIMIT_EXCEEDED',
      details: { metadata: { limit: 'max_queued_stdin_bytes', maximum: '5' } },
    });
    const fits = write('de');
    release();
    release();
    expect(await fits.settled).toBe(5);
    expect(received()).toBe('abcde');
  });

  it('gives room again for what was written, withdrawn or refused', async () => {
    const { release, write } = heldPipe(5);
    const abort = new AbortController();
    write('ab');
    const withdrawn = write('cde', {}, abort.signal);
    abort.abort('given up');
    await withdrawn.settled;
    const gap = write('xyz', { offset: 9 });
    release();
    expect(await gap.settled).toBe('STDIN_OFFSET_GAP');
    const whole = write('cdefg');
    release();
    expect(await whole.settled).toBe(7);
  });
});

describe('writes without data', () => {
  it('are bounded, too', async () => {
    const { release, write } = heldPipe(1000, 100);
    const first = write('abc');
    const empty = Array.from({ length: 9 }, () => write(''));
    expect(await write('').settled).toBe('LIMIT_EXCEEDED');
    release();
    expect(await Promise.all([first, ...empty].map(({ settled }) => settled))).toEqual(
      Array(10).fill(3),
    );
    expect(await write('').settled).toBe(3);
  });
});

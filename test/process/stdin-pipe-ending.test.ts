import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { RunletError } from '../../src/errors.ts';
import { StdinPipe } from '../../src/process/stdin-pipe.ts';
import { heldPipe, quiet } from './held-pipe.ts';

describe('a call that is given up', () => {
  it('before its turn withdraws its write', async () => {
    const { received, release, write } = heldPipe();
    const abort = new AbortController();
    write('abc');
    const given = write('def', {}, abort.signal);
    const next = write('ghi');
    abort.abort('given up');
    expect(await given.settled).toBe('given up');
    release();
    release();
    expect(await next.settled).toBe(6);
    expect(received()).toBe('abcghi');
  });

  it('before it came to the pipe writes nothing', async () => {
    const { isHeld, write } = heldPipe();
    expect(await write('abc', {}, AbortSignal.abort('given up')).settled).toBe('given up');
    expect(isHeld()).toBe(false);
  });

  it('in its turn undoes nothing', async () => {
    const { received, release, write } = heldPipe();
    const abort = new AbortController();
    const given = write('abc', {}, abort.signal);
    abort.abort('given up');
    await quiet();
    expect(given.value).toBe('pending');
    release();
    expect(await given.settled).toBe(3);
    expect(received()).toBe('abc');
  });
});

describe('a process that ended', () => {
  it('refuses the write under way and those that wait', async () => {
    const { pipe, received, write } = heldPipe();
    const writes = [write('abc'), write('def'), write('', { eof: true })];
    pipe.close();
    expect(await Promise.all(writes.map(({ settled }) => settled))).toEqual([
      'STDIN_CLOSED',
      'STDIN_CLOSED',
      'STDIN_CLOSED',
    ]);
    expect(received()).toBe('');
  });

  it('refuses the write of which its pipe holds a part', async () => {
    // It reads nothing: the rest of the write is still in the stream when that is destroyed.
    const child = spawn('sleep', ['1000'], { stdio: ['pipe', 'ignore', 'ignore'] });
    const { stdin } = child;
    const pipe = new StdinPipe(stdin, {
      maxQueuedBytes: 10_000_000,
      minWriteBytes: 0,
      onClosed: () => {},
    });
    const data = Buffer.alloc(1_000_000);
    const written = pipe.write(
      { offset: undefined, data, eof: false },
      new AbortController().signal,
    );
    const settled = written.catch((error: RunletError) => error.reason);
    pipe.close();
    expect(await settled).toBe('STDIN_CLOSED');
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  it('refuses every later write', async () => {
    const { pipe, release, write } = heldPipe();
    write('abc');
    release();
    pipe.close();
    expect(await write('def').settled).toBe('STDIN_CLOSED');
    expect(await write('abc', { offset: 0 }).settled).toBe('STDIN_CLOSED');
    expect(await write('', { eof: true }).settled).toBe('STDIN_CLOSED');
  });

  it('says nothing of its stdin being closed', async () => {
    const { closedCalls, pipe, write } = heldPipe();
    const refused = write('abc');
    pipe.close();
    await refused.settled;
    await quiet();
    expect(closedCalls()).toBe(0);
  });

  it('does not say again that its stdin was closed', async () => {
    const { closedCalls, pipe, write } = heldPipe();
    write('', { eof: true });
    pipe.close();
    pipe.close();
    await quiet();
    expect(closedCalls()).toBe(1);
  });

  it('still knows what it was given before end of file', async () => {
    const { pipe, release, write } = heldPipe();
    write('abc', { eof: true });
    release();
    pipe.close();
    expect(await write('abc', { offset: 0, eof: true }).settled).toBe(3);
  });

  it('leaves its sink destroyed', () => {
    const { pipe, sink } = heldPipe();
    pipe.close();
    expect(sink.destroyed).toBe(true);
  });
});

describe('a process that closes its stdin', () => {
  it('fails the write under way and those that wait', async () => {
    const { fail, write } = heldPipe();
    const writes = [write('abc'), write('def'), write('ghi')];
    fail();
    expect(await Promise.all(writes.map(({ settled }) => settled))).toEqual([
      'STDIN_CLOSED',
      'STDIN_CLOSED',
      'STDIN_CLOSED',
    ]);
  });

  it('is told once', async () => {
    const { closedCalls, fail, write } = heldPipe();
    const first = write('abc');
    fail();
    await first.settled;
    await quiet();
    await write('def').settled;
    await write('', { eof: true }).settled;
    expect(closedCalls()).toBe(1);
  });

  it('is noticed while nothing is being written', async () => {
    const { closedCalls, sink, write } = heldPipe();
    sink.destroy(new Error('EPIPE'));
    await quiet();
    expect(closedCalls()).toBe(1);
    expect(await write('abc').settled).toBe('STDIN_CLOSED');
  });

  it('is not told after end of file was', async () => {
    const { closedCalls, sink, write } = heldPipe();
    await write('', { eof: true }).settled;
    sink.destroy(new Error('EPIPE'));
    await quiet();
    expect(closedCalls()).toBe(1);
  });

  it('refuses end of file for a write that failed', async () => {
    const { fail, sink, write } = heldPipe();
    const last = write('abc', { eof: true });
    fail();
    expect(await last.settled).toBe('STDIN_CLOSED');
    expect(sink.writableEnded).toBe(false);
  });
});

describe('ten thousand calls that are given up at once', () => {
  it('leave room, and those behind them their turn', async () => {
    const { received, release, write } = heldPipe(100_000);
    const aborts = Array.from({ length: 10_000 }, () => new AbortController());
    write('abc');
    const given = aborts.map(({ signal }) => write('def', {}, signal));
    const next = write('ghi');
    for (const abort of aborts) abort.abort('given up');
    expect(new Set(await Promise.all(given.map(({ settled }) => settled)))).toEqual(
      new Set(['given up']),
    );
    const after = write('x'.repeat(90_000));
    release();
    release();
    release();
    expect(await next.settled).toBe(6);
    expect(await after.settled).toBe(90_006);
    expect(received().slice(0, 7)).toBe('abcghix');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RunletError } from '../../src/errors.ts';
import type { StdinWrite } from '../../src/process/stdin-pipe.ts';
import {
  STDIN_AHEAD_BYTES,
  STDIN_AHEAD_WRITES,
  StdinAhead,
} from '../../src/server/services/process/stdin-ahead.ts';
import { heldPipe, quiet } from '../process/held-pipe.ts';

const LARGE = 1_000_000_000;

/** What a call writes ahead of a process that reads when the test lets it. */
function aheadOfHeldPipe() {
  const held = heldPipe(LARGE);
  const abort = new AbortController();
  const failures: unknown[] = [];
  let listened = 0;
  let writes = 0;
  const { signal } = abort;
  const listen = signal.addEventListener.bind(signal);
  signal.addEventListener = (...listener: Parameters<typeof listen>) => {
    listened += 1;
    listen(...listener);
  };
  const ahead = new StdinAhead(
    {
      write: (write, itsSignal) => {
        writes += 1;
        return held.pipe.write(write, itsSignal);
      },
      onFailure: (error) => failures.push(error instanceof RunletError ? error.reason : error),
    },
    signal,
  );
  return {
    ...held,
    ahead,
    abort,
    failures,
    listened: () => listened,
    writes: () => writes,
    take: (data: string, more: Partial<StdinWrite> = {}) =>
      ahead.take({ offset: undefined, eof: false, ...more, data: Buffer.from(data) }),
    /** Lets the process read all. */
    async drain(): Promise<void> {
      do await quiet();
      while (held.release());
    },
  };
}

/** Whether a promise is settled. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.finally(() => {
    settled = true;
  });
  await quiet();
  return settled;
}

describe('messages that come while the process does not read', () => {
  it('are joined, however many there are, and nothing is registered for each', async () => {
    const { drain, listened, received, take, writes } = aheadOfHeldPipe();
    await take('first');
    for (let i = 0; i < 100_000; i++) await take('x');
    expect(listened()).toBeLessThan(10);
    await drain();
    expect(received()).toBe(`first${'x'.repeat(100_000)}`);
    expect(writes()).toBeLessThan(10);
  });

  it('are joined by their offsets, too', async () => {
    const { drain, received, take, writes } = aheadOfHeldPipe();
    for (let i = 0; i < 10_000; i++) await take('x', { offset: i });
    await take('', { offset: 10_000, eof: true });
    await drain();
    expect(received()).toBe('x'.repeat(10_000));
    expect(writes()).toBeLessThan(10);
  });

  it('take nothing if they are empty', async () => {
    const { drain, received, take, writes } = aheadOfHeldPipe();
    await take('first');
    for (let i = 0; i < 100_000; i++) await take('');
    await drain();
    expect(received()).toBe('first');
    expect(writes()).toBeLessThan(10);
  });

  it('are taken up to a number of bytes', async () => {
    const { drain, take } = aheadOfHeldPipe();
    await take('x'.repeat(STDIN_AHEAD_BYTES));
    const next = take('x');
    expect(await isSettled(next)).toBe(false);
    await drain();
    await next;
  });

  it('are taken up to a number of writes, where they say what cannot be joined', async () => {
    const { drain, failures, take } = aheadOfHeldPipe();
    await take('first');
    let taken = 0;
    let last: Promise<void> | undefined;
    for (; taken < 10 * STDIN_AHEAD_WRITES; taken++) {
      last = take('', { offset: taken % 2 });
      if (!(await isSettled(last))) break;
    }
    expect(taken).toBeLessThanOrEqual(STDIN_AHEAD_WRITES);
    await drain();
    await last;
    expect(failures).toEqual([]);
  });

  it('are given up with their call', async () => {
    const { abort, isHeld, received, release, take } = aheadOfHeldPipe();
    await take('first');
    const waiting = take('x'.repeat(STDIN_AHEAD_BYTES));
    abort.abort(new Error('given up'));
    await waiting;
    release();
    await quiet();
    expect(isHeld()).toBe(false);
    expect(received()).toBe('first');
  });
});

describe('what was taken', () => {
  it('is written once all of it is in the pipe, which tells how much that is', async () => {
    const { ahead, drain, take } = aheadOfHeldPipe();
    await take('one ');
    await take('two');
    const written = ahead.written();
    expect(await isSettled(written)).toBe(false);
    await drain();
    expect(await written).toBe(7);
  });

  it('does what each message would do by itself, however they follow one another', async () => {
    const message = fc.record({
      offset: fc.option(fc.nat(12), { nil: undefined }),
      length: fc.nat(5),
      eof: fc.integer({ min: 0, max: 9 }).map((chance) => chance === 0),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 20 }),
        fc.array(fc.boolean()),
        async (script, pauses) => {
          const joined = aheadOfHeldPipe();
          const single = heldPipe(LARGE);
          const outcomes: unknown[] = [];
          for (const [i, { eof, length, offset }] of script.entries()) {
            const data = String.fromCharCode(65 + i).repeat(length);
            void joined.take(data, { offset, eof });
            if (pauses[i] === true) await joined.drain();
            const write = single.write(data, { offset, eof });
            single.release();
            outcomes.push(await write.settled);
          }
          await joined.drain();
          expect(joined.received()).toBe(single.received());
          // After the end of file, empty messages that are joined may fail less often.
          if (script.some(({ eof }) => eof)) return;
          const failed = outcomes.some((outcome) => typeof outcome === 'string');
          expect(joined.failures.length > 0).toBe(failed);
        },
      ),
      { numRuns: 300 },
    );
  });
});

import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type GapRange, OutputLostError } from '../../src/client/index.ts';
import { OutputFeed } from '../../src/client/output-feed.ts';
import { OutputReadable } from '../../src/client/output-readable.ts';
import type { ProcessEvent } from '../../src/client/process-event.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { settle } from '../support/settle.ts';

const time = new Date(0);

function out(seq: number, offset: number, text: string): ProcessEvent {
  return { kind: 'output', stream: 'stdout', offset, data: Buffer.from(text), seq, time };
}

function gap(seq: number, offset: number, length: number): ProcessEvent {
  return { kind: 'gap', ranges: [{ stream: 'stdout', offset, length }], seq, time };
}

const EVENTS = [
  gap(1, 0, 3),
  out(2, 3, 'abc'),
  out(3, 6, 'def'),
  gap(4, 9, 10),
  gap(5, 19, 1),
  out(6, 20, 'ghi'),
  gap(7, 23, 2),
];

/** A stream of these events, with which several feeds may be opened. */
function makeReadable(): OutputReadable {
  return new OutputReadable('stdout', (member) => {
    const feed = new OutputFeed(
      async function* (after) {
        yield EVENTS.filter(({ seq }) => seq > after);
      },
      member.seq,
      new FakeClock(),
    );
    feed.join(member);
    return feed;
  });
}

/** What comes of a stream, in order: bytes one by one, and gaps. */
function record(readable: OutputReadable): {
  readonly got: string[];
  take(data: Buffer): void;
} {
  const got: string[] = [];
  readable.on('gap', ({ length, offset }: GapRange) => got.push(`gap ${offset}+${length}`));
  return { got, take: (data) => void got.push(...data.toString()) };
}

const WHOLE = ['gap 0+3', ...'abcdef', 'gap 9+10', 'gap 19+1', ...'ghi', 'gap 23+2'];

describe('a stream of output with gaps', () => {
  it('tells them at their place to whoever iterates, however late', async () => {
    const readable = makeReadable();
    const { got, take } = record(readable);
    for await (const data of readable) {
      take(data as Buffer);
      await settle();
    }
    expect(got).toEqual(WHOLE);
    expect(readable.gaps).toHaveLength(4);
  });

  it('does so to a listener', async () => {
    const readable = makeReadable();
    const { got, take } = record(readable);
    readable.on('data', take);
    await new Promise((resolve) => readable.once('end', resolve));
    expect(got).toEqual(WHOLE);
  });

  it('does so to one that pauses', async () => {
    const readable = makeReadable();
    const { got, take } = record(readable);
    readable.on('data', (data: Buffer) => {
      take(data);
      readable.pause();
      setImmediate(() => readable.resume());
    });
    await new Promise((resolve) => readable.once('end', resolve));
    expect(got).toEqual(WHOLE);
  });

  it('does so to one that reads byte by byte', async () => {
    const readable = makeReadable();
    const { got, take } = record(readable);
    let ended = false;
    readable.once('end', () => {
      ended = true;
    });
    while (!ended) {
      const data = readable.read(1) as Buffer | null;
      if (data !== null) take(data);
      await settle();
    }
    expect(got).toEqual(WHOLE);
  });

  it('does so to one that reads just what is there, and waits for more', async () => {
    const readable = makeReadable();
    const { got, take } = record(readable);
    for (const bytes of [6, 3]) {
      await new Promise((resolve) => readable.once('readable', resolve));
      take(readable.read(bytes) as Buffer);
    }
    await settle();
    expect(got).toEqual(WHOLE);
  });

  it('does so to one that a feed was left behind for in between', async () => {
    const readable = makeReadable();
    const { got, take } = record(readable);
    readable.read(0);
    await settle();
    // It held up others: what comes is asked for anew when there is room.
    const { gaps } = readable;
    expect(gaps).toHaveLength(1);
    for await (const data of readable) take(data as Buffer);
    expect(got).toEqual(WHOLE);
  });

  it('tells of none that comes after what is left unread', async () => {
    const readable = makeReadable();
    const { got } = record(readable);
    readable.read(0);
    await settle();
    readable.destroy();
    await settle();
    expect(got).toEqual(['gap 0+3']);
  });
});

describe('a stream of output with gaps that nobody listens for', () => {
  const LOST = { code: 'OUTPUT_LOST', range: { stream: 'stdout', offset: 9, length: 10 } };

  /** One whose beginning was told of, and whose reader then leaves it at that. */
  function makeUnwatched(): OutputReadable {
    const readable = makeReadable();
    readable.once('gap', () => {});
    return readable;
  }

  it('fails at the first, behind all that comes before it', async () => {
    const got: string[] = [];
    const reading = (async () => {
      for await (const data of makeUnwatched()) got.push(...String(data));
    })();
    await expect(reading).rejects.toMatchObject(LOST);
    await expect(reading).rejects.toBeInstanceOf(OutputLostError);
    expect(got).toEqual([...'abcdef']);
  });

  it('throws where it is only piped, as any stream does', async () => {
    const uncaught = new Promise((resolve) => {
      const listeners = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const listener of listeners) process.on('uncaughtException', listener);
        resolve(error);
      });
    });
    makeUnwatched().pipe(new PassThrough());
    expect(await uncaught).toMatchObject(LOST);
  });
});

import { describe, expect, it } from 'vitest';
import type { OutputStreamName } from '../../src/client/names.ts';
import { type FeedMember, type FollowEvents, OutputFeed } from '../../src/client/output-feed.ts';
import type { ProcessEvent, ProcessEventDetail } from '../../src/client/process-event.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { settle } from '../support/settle.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A member that takes `room` pieces before it wants no more. */
class Reader implements FeedMember {
  readonly name: OutputStreamName;
  seq = 0;
  feed: OutputFeed | undefined;
  readonly got: string[] = [];
  ended: unknown = 'no';
  #room: number;

  constructor(name: OutputStreamName, room = Number.POSITIVE_INFINITY) {
    this.name = name;
    this.#room = room;
  }

  push(data: Buffer): boolean {
    this.got.push(data.toString());
    this.#room -= 1;
    return this.#room > 0;
  }

  gap({ length, offset }: { readonly offset: number; readonly length: number }): boolean {
    this.got.push(`gap ${offset}+${length}`);
    return true;
  }

  end(): void {
    this.ended = 'in order';
  }

  fail(error: unknown): void {
    this.ended = error;
  }

  /** Wants so many pieces more. */
  read(room: number): void {
    this.#room = room;
    this.feed?.resume(this);
  }
}

function out(seq: number, stream: OutputStreamName, text: string): ProcessEvent {
  return event(seq, { kind: 'output', stream, offset: 0, data: Buffer.from(text) });
}

function event(seq: number, detail: ProcessEventDetail): ProcessEvent {
  return { ...detail, seq, time: new Date(0) };
}

/** Gives events one by one, and counts how many were taken. */
class Source {
  taken = 0;
  cancelled = false;
  readonly #events: readonly ProcessEvent[];
  readonly #failure: Error | undefined;

  constructor(events: readonly ProcessEvent[], failure?: Error) {
    this.#events = events;
    this.#failure = failure;
  }

  readonly follow: FollowEvents = (after, signal) => this.#run(after, signal);

  async *#run(after: number, signal: AbortSignal): AsyncGenerator<readonly ProcessEvent[]> {
    signal.addEventListener('abort', () => {
      this.cancelled = true;
    });
    for (const next of this.#events) {
      if (next.seq <= after) continue;
      this.taken += 1;
      yield [next];
    }
    if (this.#failure !== undefined) throw this.#failure;
  }
}

const EVENTS = [
  event(1, { kind: 'started', pid: 1, sandbox: '' }),
  out(2, 'stdout', 'a'),
  out(3, 'stderr', 'x'),
  out(4, 'stdout', 'b'),
  out(5, 'stderr', 'y'),
  out(6, 'stdout', 'c'),
];

describe('a feed', () => {
  it('gives each stream its own, to those that join in the same turn', async () => {
    const source = new Source(EVENTS);
    const [stdout, stderr] = [new Reader('stdout'), new Reader('stderr')];
    const feed = new OutputFeed(source.follow, 0, new FakeClock());
    expect([feed.join(stdout), feed.join(stderr)]).toEqual([true, true]);
    await settle();
    expect([stdout.got, stderr.got]).toEqual([
      ['a', 'b', 'c'],
      ['x', 'y'],
    ]);
    expect([stdout.ended, stderr.ended]).toEqual(['in order', 'in order']);
  });

  it('is not joined once it has begun, nor from another place', async () => {
    const feed = new OutputFeed(new Source(EVENTS).follow, 0, new FakeClock());
    const elsewhere = new Reader('stderr');
    elsewhere.seq = 3;
    expect(feed.join(elsewhere)).toBe(false);
    feed.join(new Reader('stdout'));
    await turn();
    await turn();
    expect(feed.join(new Reader('stderr'))).toBe(false);
  });

  it('waits while nobody wants more, and goes on with whoever does', async () => {
    const source = new Source(EVENTS);
    const stdout = new Reader('stdout', 1);
    new OutputFeed(source.follow, 0, new FakeClock()).join(stdout);
    await settle();
    expect([stdout.got, source.taken]).toEqual([['a'], 4]);
    stdout.read(1);
    await settle();
    expect(stdout.got).toEqual(['a', 'b']);
    stdout.read(9);
    await settle();
    expect(stdout.got).toEqual(['a', 'b', 'c']);
    expect(stdout.ended).toBe('in order');
  });

  it('puts out a stream that holds up another, which goes on from its place', async () => {
    const source = new Source(EVENTS);
    const clock = new FakeClock();
    const [stdout, stderr] = [new Reader('stdout', 1), new Reader('stderr')];
    const feed = new OutputFeed(source.follow, 0, clock);
    feed.join(stdout);
    feed.join(stderr);
    await settle();
    expect(stderr.got).toEqual(['x']);
    clock.advance(999);
    await settle();
    expect(stdout.feed).toBe(feed);
    clock.advance(1);
    await settle();
    expect(stderr.got).toEqual(['x', 'y']);
    expect([stdout.feed, stdout.seq, stdout.ended]).toEqual([undefined, 3, 'no']);
    const own = new OutputFeed(source.follow, stdout.seq, clock);
    stdout.read(9);
    expect(own.join(stdout)).toBe(true);
    await settle();
    expect(stdout.got).toEqual(['a', 'b', 'c']);
    expect(clock.pending).toBe(0);
  });

  it('puts nobody out where all wait', async () => {
    const clock = new FakeClock();
    const [stdout, stderr] = [new Reader('stdout', 1), new Reader('stderr', 1)];
    const feed = new OutputFeed(new Source(EVENTS).follow, 0, clock);
    feed.join(stdout);
    feed.join(stderr);
    await settle();
    expect(clock.pending).toBe(0);
    expect([stdout.feed, stderr.feed]).toEqual([feed, feed]);
  });

  it('tells of what is missing at its place', async () => {
    const events = [
      out(1, 'stdout', 'a'),
      event(5, { kind: 'gap', ranges: [{ stream: 'stdout', offset: 1, length: 7 }] }),
      out(6, 'stdout', 'b'),
    ];
    const stdout = new Reader('stdout');
    new OutputFeed(new Source(events).follow, 0, new FakeClock()).join(stdout);
    await settle();
    expect(stdout.got).toEqual(['a', 'gap 1+7', 'b']);
  });

  it('fails all who are in it', async () => {
    const failure = new Error('lost');
    const [stdout, stderr] = [new Reader('stdout'), new Reader('stderr')];
    const feed = new OutputFeed(new Source(EVENTS, failure).follow, 0, new FakeClock());
    feed.join(stdout);
    feed.join(stderr);
    await settle();
    expect([stdout.ended, stderr.ended]).toEqual([failure, failure]);
  });

  it('ends the reading when the last has left', async () => {
    const source = new Source(EVENTS);
    const stdout = new Reader('stdout', 1);
    const feed = new OutputFeed(source.follow, 0, new FakeClock());
    feed.join(stdout);
    await settle();
    feed.leave(stdout);
    await settle();
    expect([source.cancelled, source.taken, stdout.ended]).toEqual([true, 4, 'no']);
  });
});

import { Readable } from 'node:stream';
import type { OutputStreamName } from './names.ts';
import type { FeedMember, OutputFeed } from './output-feed.ts';
import type { GapRange } from './process-event.ts';

/** Bytes that wait to be read before the server is asked for no more. */
const HIGH_WATER_MARK = 256 * 1024;

/**
 * What a process wrote to one of its streams, from the beginning, whenever the reading
 * begins. Where the server did not retain all of it, what is missing is in `gaps`, and
 * told by the event `gap`, with a {@link GapRange}, at its place between the data.
 */
export class OutputReadable extends Readable {
  readonly #member: FeedMember;
  readonly #openFeed: (member: FeedMember) => OutputFeed;
  readonly #gaps: GapRange[] = [];

  /** @internal */
  constructor(name: OutputStreamName, openFeed: (member: FeedMember) => OutputFeed) {
    super({ highWaterMark: HIGH_WATER_MARK });
    this.#openFeed = openFeed;
    this.#member = {
      name,
      seq: 0,
      feed: undefined,
      push: (data) => unlessThrown(() => this.push(data), true),
      gap: (range) => {
        this.#gaps.push(range);
        unlessThrown(() => this.emit('gap', range), true);
      },
      end: () => this.push(null),
      fail: (error) => this.destroy(error as Error),
    };
    // A program that reads none of it is not to end for that: whoever reads is told.
    this.on('error', () => {});
  }

  /** What is missing of what was read so far; empty: nothing. */
  get gaps(): readonly GapRange[] {
    return this.#gaps;
  }

  override _read(): void {
    const { feed } = this.#member;
    if (feed === undefined) this.#openFeed(this.#member);
    else feed.resume(this.#member);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#member.feed?.leave(this.#member);
    callback(error);
  }
}

/**
 * What a call gives, or `otherwise` where a listener throws: that is an uncaught exception of
 * the program, as with any stream, and nothing that the streams of the process fail of.
 */
function unlessThrown<T>(call: () => T, otherwise: T): T {
  try {
    return call();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
    return otherwise;
  }
}

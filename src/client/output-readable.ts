import { Readable } from 'node:stream';
import type { OutputStreamName } from './names.ts';
import type { FeedMember, OutputFeed } from './output-feed.ts';
import { OutputLostError } from './output-lost-error.ts';
import type { GapRange } from './process-event.ts';

/** Bytes that wait to be read before the server is asked for no more. */
const HIGH_WATER_MARK = 256 * 1024;

/**
 * What a process wrote to one of its streams, from the beginning, whenever the reading
 * begins. Where the server did not retain all of it, the stream fails with an `OutputLostError`
 * at its place, unless somebody listens for `gap`: then that is told of it, with a
 * {@link GapRange}, the stream goes on behind it, and it is in `gaps`.
 */
export class OutputReadable extends Readable {
  readonly #member: FeedMember;
  readonly #openFeed: (member: FeedMember) => OutputFeed;
  readonly #gaps: GapRange[] = [];
  /** Whether a gap waits until what comes before it was read. */
  #gapWaits = false;
  /** Whether that was read, a turn of the event loop ago, so that its reader has it. */
  #gapIsNext = false;
  /** That turn. */
  #turn: NodeJS.Immediate | undefined;

  /** @internal */
  constructor(name: OutputStreamName, openFeed: (member: FeedMember) => OutputFeed) {
    super({ highWaterMark: HIGH_WATER_MARK });
    this.#openFeed = openFeed;
    this.#member = {
      name,
      seq: 0,
      feed: undefined,
      push: (data) => {
        clearImmediate(this.#turn);
        this.#gapIsNext = false;
        return unlessThrown(() => this.push(data), true);
      },
      gap: (range) => {
        if (!this.#gapIsNext) {
          this.#gapWaits = true;
          this.#askForGap();
          return false;
        }
        this.#gaps.push(range);
        if (this.listenerCount('gap') === 0) this.destroy(new OutputLostError(range));
        unlessThrown(() => this.emit('gap', range), true);
        return true;
      },
      end: () => this.push(null),
      fail: (error) => this.destroy(error as Error),
    };
    // A program that reads none of it is not to end for that: whoever reads is told. What is lost
    // of what it reads is an error as of any stream, which `pipe` would pass over otherwise.
    this.on('error', (error) => {
      if (error instanceof OutputLostError && this.listenerCount('error') === 1) throw error;
    });
  }

  /** What is missing of what was read so far; empty: nothing. */
  get gaps(): readonly GapRange[] {
    return this.#gaps;
  }

  // What `Readable` says that it gives, or it would be none of the streams that Node.js takes.
  override read(size?: number): ReturnType<Readable['read']> {
    const data: unknown = super.read(size);
    this.#askForGap();
    return data;
  }

  override _read(): void {
    this.#more();
  }

  /** Nobody else asks for what follows: nothing was pushed since that was done last. */
  #askForGap(): void {
    if (!this.#gapWaits || this.readableLength > 0) return;
    this.#gapWaits = false;
    clearImmediate(this.#turn);
    this.#turn = setImmediate(() => {
      this.#gapIsNext = true;
      this.#more();
    });
  }

  #more(): void {
    if (this.destroyed) return;
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

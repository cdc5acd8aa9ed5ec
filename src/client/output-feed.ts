import type { Clock, Timer } from '../clock.ts';
import type { OutputStreamName } from './names.ts';
import type { GapRange, ProcessEvent } from './process-event.ts';

/** A stream of output that is fed with what one stream of a process wrote. */
export interface FeedMember {
  readonly name: OutputStreamName;
  /** The number of the last event that it has had, or passed. */
  seq: number;
  /** The feed that it is in; undefined: none, since it has stood still or not begun. */
  feed: OutputFeed | undefined;
  /** Takes output; false: it wants no more until it asks. */
  push(data: Buffer): boolean;
  /** Output is missing before what comes next; false: it is told so again when it asks for more. */
  gap(range: GapRange): boolean;
  /** All output was there. */
  end(): void;
  fail(error: unknown): void;
}

/** The events of a process after one, to `closed`. */
export type FollowEvents = (
  afterSeq: number,
  signal: AbortSignal,
) => AsyncIterable<readonly ProcessEvent[]>;

/**
 * How long a member that wants no more may hold up others that do, in milliseconds. Then
 * it leaves, and goes on by a feed of its own once it is read again.
 */
const STALL_MS = 1_000;

/**
 * One reading of a process's events, shared by the streams that are at the same place:
 * standard output and standard error are read together, though one that is not read
 * does not hold up the other.
 */
export class OutputFeed {
  readonly #follow: FollowEvents;
  readonly #clock: Clock;
  readonly #members = new Map<OutputStreamName, FeedMember>();
  readonly #full = new Set<FeedMember>();
  readonly #over = new AbortController();
  #seq: number;
  #begun = false;
  #wake = (): void => {};

  constructor(follow: FollowEvents, afterSeq: number, clock: Clock) {
    this.#follow = follow;
    this.#seq = afterSeq;
    this.#clock = clock;
    // Those that begin in the same turn of the event loop join it.
    setImmediate(() => void this.#run());
  }

  /** Adds a member. False: it is not at the same place, or has been there before. */
  join(member: FeedMember): boolean {
    if (this.#begun || member.seq !== this.#seq || this.#members.has(member.name)) return false;
    this.#members.set(member.name, member);
    member.feed = this;
    return true;
  }

  /** A member wants more. */
  resume(member: FeedMember): void {
    if (this.#full.delete(member)) this.#wake();
  }

  /** Takes a member out. */
  leave(member: FeedMember): void {
    if (this.#members.get(member.name) !== member) return;
    this.#members.delete(member.name);
    this.#full.delete(member);
    member.feed = undefined;
    member.seq = this.#seq;
    if (this.#members.size === 0) this.#over.abort();
    this.#wake();
  }

  async #run(): Promise<void> {
    this.#begun = true;
    if (this.#members.size === 0) return;
    try {
      for await (const events of this.#follow(this.#seq, this.#over.signal)) {
        for (const event of events) {
          await this.#take(event);
          if (this.#members.size === 0) return;
          this.#seq = event.seq;
        }
      }
      for (const member of this.#leaving()) member.end();
    } catch (error) {
      for (const member of this.#leaving()) member.fail(error);
    }
  }

  #leaving(): readonly FeedMember[] {
    const members = [...this.#members.values()];
    for (const member of members) this.leave(member);
    return members;
  }

  async #take(event: ProcessEvent): Promise<void> {
    if (event.kind === 'gap') {
      for (const range of event.ranges) {
        await this.#give(range.stream, (member) => {
          const taken = member.gap(range);
          if (!taken) this.#full.add(member);
          return taken;
        });
      }
    }
    if (event.kind !== 'output') return;
    await this.#give(event.stream, (member) => {
      if (!member.push(event.data)) this.#full.add(member);
      return true;
    });
  }

  /** Gives something to a member once it wants more, and until it is taken, or the member leaves. */
  async #give(name: OutputStreamName, give: (member: FeedMember) => boolean): Promise<void> {
    const member = this.#members.get(name);
    if (member === undefined) return;
    for (let taken = false; !taken; ) {
      while (this.#full.has(member)) await this.#room(member);
      // It may have left meanwhile.
      taken = member.feed !== this || give(member);
    }
  }

  /** Resolves when something changed; a member that stalls others is put out. */
  #room(member: FeedMember): Promise<void> {
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      const done = (): void => {
        timer?.cancel();
        this.#wake = () => {};
        resolve();
      };
      this.#wake = done;
      if (this.#full.size === this.#members.size) return;
      timer = this.#clock.setTimer(STALL_MS, () => this.leave(member));
    });
  }
}

import type { AbsentReaders } from './absent-readers.ts';
import type { EventCursor } from './event-cursor.ts';
import type { ReadingFigures } from './event-log-options.ts';
import { Ranking } from './ranking.ts';
import { LAGGING_BYTES } from './sizes.ts';

/**
 * The readers of a log, and what has to be kept for them where that is promised: those under
 * way and, for a time, those that broke off. What is asked takes no longer where there are
 * thousands, and a change takes a time that grows with the logarithm of their number.
 */
export class Readers {
  readonly #absent: AbsentReaders | undefined;
  /** Those under way that have an id. */
  readonly #byId = new Map<string, EventCursor>();
  /** Those under way: by what they have had, by what of theirs may go, by what they are sent next. */
  readonly #had = new Ranking<EventCursor>();
  readonly #spared = new Ranking<EventCursor>();
  readonly #sent = new Ranking<EventCursor>();
  readonly #overdue = new Set<EventCursor>();
  #abandoned = false;

  /** `absent`: those that broke off, where they are waited for. */
  constructor(absent: AbsentReaders | undefined) {
    this.#absent = absent;
  }

  /** One more reads. It takes the place of an earlier one with the same id. */
  add(cursor: EventCursor): void {
    const { readerId } = cursor;
    if (readerId !== '') {
      const earlier = this.#byId.get(readerId);
      if (earlier !== undefined) this.#forget(earlier);
      this.#absent?.remove(readerId);
      this.#byId.set(readerId, cursor);
    }
    this.#rank(cursor);
  }

  /** One that was added was sent more, or has had more. */
  update(cursor: EventCursor): void {
    if (this.#sent.has(cursor)) this.#rank(cursor);
  }

  /** One reads no more. One with an id may come back. */
  remove(cursor: EventCursor): void {
    if (!this.#sent.has(cursor)) return;
    this.#forget(cursor);
    if (!this.#abandoned && cursor.readerId !== '') this.#absent?.add(cursor);
  }

  /** An event has arrived at the one with an id. `done`: it is waited for no longer. */
  acknowledge(readerId: string, seq: number, done: boolean): void {
    const cursor = this.#byId.get(readerId);
    cursor?.acknowledge(seq);
    if (done && cursor !== undefined) this.#forget(cursor);
    if (done) this.#absent?.remove(readerId);
    else this.#absent?.acknowledge(readerId, seq);
  }

  /** No further reader will come. */
  abandon(): void {
    this.#abandoned = true;
    this.#absent?.clear();
  }

  /** Whether an event has certainly arrived where it is awaited. While nobody reads none has. */
  haveHad(seq: number): boolean {
    if (this.#sent.first === undefined) return this.#abandoned;
    return this.#had.firstRank >= seq && this.#absentHaveHad(seq);
  }

  /**
   * Whether an event may go where there is no room for it: of one who never says what has
   * arrived, once it was sent, and of a process that is closed once nobody reads.
   */
  canSpare(seq: number, closed: boolean): boolean {
    if (this.#sent.first === undefined) return this.#abandoned || closed;
    return this.#spared.firstRank >= seq && this.#absentHaveHad(seq);
  }

  /** Whether there is one that was not sent all up to an event. */
  areSentMore(lastSeq: number): boolean {
    return this.#sent.firstRank <= lastSeq;
  }

  /** Whether one of them is sent ever more, and does not say that it arrives. */
  get overdue(): boolean {
    return this.#overdue.size > 0;
  }

  /** How far they are, of so many bytes and events. */
  figures(written: number, lastSeq: number): ReadingFigures {
    const { first } = this.#sent;
    return {
      written,
      readers: this.#sent.size,
      lag: first === undefined ? 0 : written - first.offset,
      lagging: this.#lagging(written, lastSeq),
    };
  }

  #lagging(written: number, lastSeq: number): number {
    // Of most logs all readers have all.
    if (!this.areSentMore(lastSeq)) return this.#overdue.size;
    let count = 0;
    for (const cursor of this.#sent.items()) {
      if (this.#overdue.has(cursor) || written - cursor.offset > LAGGING_BYTES) count += 1;
    }
    return count;
  }

  /**
   * What one of them was not sent yet, of so many bytes and events; all of it while nobody
   * reads.
   */
  unsent(written: number, lastSeq: number): { readonly bytes: number; readonly count: number } {
    const { first } = this.#sent;
    if (first === undefined) return { bytes: written, count: lastSeq };
    const { nextSeq, offset } = this.#absent?.leastSent(first) ?? first;
    return { bytes: written - offset, count: lastSeq + 1 - nextSeq };
  }

  #absentHaveHad(seq: number): boolean {
    return this.#absent?.haveHad(seq) ?? true;
  }

  #rank(cursor: EventCursor): void {
    const { acknowledgment, hadSeq, nextSeq } = cursor;
    this.#had.set(cursor, hadSeq);
    this.#spared.set(cursor, acknowledgment.explicit ? hadSeq : nextSeq - 1);
    this.#sent.set(cursor, nextSeq);
    if (acknowledgment.overdue) this.#overdue.add(cursor);
    else this.#overdue.delete(cursor);
  }

  #forget(cursor: EventCursor): void {
    for (const ranking of [this.#had, this.#spared, this.#sent]) ranking.set(cursor, undefined);
    this.#overdue.delete(cursor);
    if (this.#byId.get(cursor.readerId) === cursor) this.#byId.delete(cursor.readerId);
  }
}

import type { EventCursor } from './event-cursor.ts';

/** The readers of a log under way, and what has to be kept for them where that is promised. */
export class Readers {
  readonly #cursors = new Set<EventCursor>();
  #abandoned = false;

  /** One more reads. It takes the place of an earlier one with the same id. */
  add(cursor: EventCursor): void {
    const earlier = this.find(cursor.readerId);
    if (earlier !== undefined) this.#cursors.delete(earlier);
    this.#cursors.add(cursor);
  }

  /** One reads no more. */
  remove(cursor: EventCursor): void {
    this.#cursors.delete(cursor);
  }

  /** The one with an id; undefined: there is none, or the id is empty. */
  find(readerId: string): EventCursor | undefined {
    if (readerId === '') return undefined;
    for (const cursor of this.#cursors) if (cursor.readerId === readerId) return cursor;
    return undefined;
  }

  /** No further reader will come. */
  abandon(): void {
    this.#abandoned = true;
  }

  /** Whether an event has certainly arrived where it is awaited. While nobody reads none has. */
  haveHad(seq: number): boolean {
    if (this.#cursors.size === 0) return this.#abandoned;
    for (const { acknowledgment } of this.#cursors) if (acknowledgment.seq < seq) return false;
    return true;
  }

  /**
   * Whether an event may go where there is no room for it: of one who never says what has
   * arrived, once it was sent, and of a process that is closed once nobody reads.
   */
  canSpare(seq: number, closed: boolean): boolean {
    if (this.#cursors.size === 0) return this.#abandoned || closed;
    for (const { acknowledgment, nextSeq } of this.#cursors) {
      if ((acknowledgment.explicit ? acknowledgment.seq : nextSeq - 1) < seq) return false;
    }
    return true;
  }

  /** Whether there is one that was not sent all up to an event. */
  areSentMore(lastSeq: number): boolean {
    for (const { nextSeq } of this.#cursors) if (nextSeq <= lastSeq) return true;
    return false;
  }

  /** Whether one of them is sent ever more, and does not say that it arrives. */
  get overdue(): boolean {
    for (const { acknowledgment } of this.#cursors) if (acknowledgment.overdue) return true;
    return false;
  }

  /**
   * What one of them was not sent yet, of so many bytes and events; all of it while nobody
   * reads.
   */
  unsent(written: number, lastSeq: number): { readonly bytes: number; readonly count: number } {
    if (this.#cursors.size === 0) return { bytes: written, count: lastSeq };
    let bytes = 0;
    let count = 0;
    for (const { nextSeq, offset } of this.#cursors) {
      bytes = Math.max(bytes, written - offset);
      count = Math.max(count, lastSeq + 1 - nextSeq);
    }
    return { bytes, count };
  }
}

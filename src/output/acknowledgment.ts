import { Fifo } from './fifo.ts';
import { RETAINED_BYTES_PER_EVENT } from './sizes.ts';

/** How a reader lets know what has arrived. */
export interface AcknowledgmentOptions {
  /** What it says that it has had so far. */
  readonly seq: number;
  /** It says so of everything. Default: it may begin to, and until then what is far behind counts. */
  readonly always?: boolean;
  /** Bytes of what it was sent that may still be on their way. */
  readonly slackBytes: number;
}

/** Into how many pieces the slack is divided at least: what is known of it is as exact as that. */
const SLACK_PIECES = 64;

/** Events that were sent together, or soon one after the other. */
interface Sent {
  lastSeq: number;
  /** All that was sent up to there. */
  upTo: number;
}

/**
 * What a reader has certainly had of what it was sent: what it acknowledged or, as long as it
 * acknowledges nothing, what lies so far back that no window or socket can hold it.
 */
export class Acknowledgment {
  readonly #slackBytes: number;
  readonly #unknown = new Fifo<Sent>();
  #seq: number;
  #explicit: boolean;
  #sentBytes = 0;
  /** Those of them that it has had. */
  #hadBytes = 0;

  constructor({ always = false, seq, slackBytes }: AcknowledgmentOptions) {
    this.#seq = seq;
    this.#explicit = always;
    this.#slackBytes = slackBytes;
  }

  /** The last event that it has certainly had, and all before it. */
  get seq(): number {
    return this.#seq;
  }

  /** Whether it says what it has had. */
  get explicit(): boolean {
    return this.#explicit;
  }

  /** So much was sent and not acknowledged that the process should wait for that. */
  get overdue(): boolean {
    return this.#explicit && this.#sentBytes - this.#hadBytes > this.#slackBytes;
  }

  /** So many events were sent, in so many bytes, the last of them with this number. */
  sent(lastSeq: number, events: number, bytes: number): void {
    this.#sentBytes += Math.max(bytes, events * RETAINED_BYTES_PER_EVENT);
    const upTo = this.#sentBytes;
    const last = this.#unknown.at(this.#unknown.length - 1);
    const begin = this.#unknown.at(this.#unknown.length - 2)?.upTo ?? this.#hadBytes;
    if (last !== undefined && upTo - begin <= this.#slackBytes / SLACK_PIECES) {
      last.lastSeq = lastSeq;
      last.upTo = upTo;
    } else {
      this.#unknown.push({ lastSeq, upTo });
    }
    if (!this.#explicit) this.#pass(({ upTo: end }) => upTo - end >= this.#slackBytes);
  }

  /** It says that it has had an event, and all before it. */
  acknowledge(seq: number): void {
    this.#explicit = true;
    this.#pass(({ lastSeq }) => lastSeq <= seq);
    this.#seq = Math.max(this.#seq, seq);
  }

  #pass(condition: (sent: Sent) => boolean): void {
    for (;;) {
      const first = this.#unknown.at(0);
      if (first === undefined || !condition(first)) return;
      this.#unknown.shift();
      this.#hadBytes = first.upTo;
      this.#seq = Math.max(this.#seq, first.lastSeq);
    }
  }
}

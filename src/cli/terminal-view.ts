import type { ProcessEvent } from '../client/index.ts';
import type { EventSink } from './event-sink.ts';
import type { StandardOutput } from './standard-output.ts';
import type { TerminalState } from './terminal-state.ts';

/** Bytes of the latest of what was written before that the screen is made of, and what is above it. */
const SCREEN_BYTES = 1024 * 1024;

/** Events that what is shown may be behind before the rest is skipped after a Ctrl-C. */
const MAX_BEHIND_EVENTS = 16;

/**
 * Shows a terminal on ours: first as what was written up to the event `lastSeq` left it, and
 * then all that is written, as it is. What was written before is not shown as it is: it has
 * questions that ours would answer once more, and lacks what was set before it.
 */
export class TerminalView {
  readonly #state: TerminalState;
  readonly #output: StandardOutput;
  /** What was written before and is not in the state yet. */
  readonly #past: Uint8Array[] = [];
  #pastBytes = 0;
  /** Up to this event nothing is shown; undefined: all is. */
  #hiddenTo: number | undefined;
  #seq = 0;
  /** What sets ours as it is where nobody set it; undefined: nobody did. */
  #before: string | undefined;

  constructor(state: TerminalState, output: StandardOutput, lastSeq: number) {
    this.#state = state;
    this.#output = output;
    this.#hiddenTo = lastSeq;
  }

  /** Takes what `sink` would take of an event's output, and leaves it the rest. */
  over(sink: EventSink): EventSink {
    return async (event) => {
      this.#seq = event.seq;
      if (this.#hiddenTo !== undefined && event.seq > this.#hiddenTo) await this.#show();
      if (event.kind === 'output') await this.#take(event);
      else await sink(event);
      if (event.seq === this.#hiddenTo) await this.#show();
    };
  }

  /**
   * Passes over what waits to be shown up to the event `seq`, if that is much, and shows what
   * it left: whoever interrupts a flood does not want to see the rest of it.
   */
  skipTo(seq: number): void {
    if (this.#hiddenTo !== undefined || seq - this.#seq <= MAX_BEHIND_EVENTS) return;
    this.#hiddenTo = seq;
    this.#before = this.#state.undo();
  }

  /** Sets our terminal as it is where nobody set it. */
  async leave(): Promise<void> {
    const undo = this.#state.undo();
    if (undo !== '') await this.#output.write(Buffer.from(undo));
  }

  async #take({ data }: Extract<ProcessEvent, { readonly kind: 'output' }>): Promise<void> {
    if (this.#hiddenTo === undefined) {
      await Promise.all([this.#output.write(data), this.#state.feed(data)]);
      return;
    }
    this.#past.push(data);
    this.#pastBytes += data.byteLength;
    while (this.#pastBytes > SCREEN_BYTES) {
      const oldest = this.#past.shift();
      if (oldest === undefined) return;
      this.#pastBytes -= oldest.byteLength;
      await this.#state.skim(oldest);
    }
  }

  async #show(): Promise<void> {
    this.#hiddenTo = undefined;
    this.#pastBytes = 0;
    for (const data of this.#past.splice(0)) await this.#state.feed(data);
    await this.#output.write(this.#state.snapshot(this.#before));
  }
}

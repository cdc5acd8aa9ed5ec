import type { ProcessEvent, TerminalSize } from '../client/index.ts';
import type { EventSink } from './event-sink.ts';
import type { StandardOutput } from './standard-output.ts';
import type { TerminalState } from './terminal-state.ts';
import { undoModes } from './terminal-undo.ts';

/** Bytes of the latest of what was written before that the screen is made of, and what is above it. */
const SCREEN_BYTES = 1024 * 1024;

/** Events that what is shown may be behind before the rest is skipped after a Ctrl-C. */
const MAX_BEHIND_EVENTS = 16;

/** The choice of a screen: on (h) the alternate one, or off it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const SCREEN_CHOICE = /\x1b\[\?(?:\d+;)*(?:47|1047|1049)(?:;\d+)*([hl])/;

/** Where a terminal stands: its size and the modes that are in force after an event. */
export interface TerminalPlace {
  readonly lastSeq: number;
  /** Undefined: the server does not say. */
  readonly terminal: (TerminalSize & { readonly modes: Buffer }) | undefined;
}

/** How a terminal is shown. */
export interface TerminalViewOptions {
  readonly state: TerminalState;
  /** What shows it, and how large that is. */
  readonly output: StandardOutput;
  readonly ownSize: () => TerminalSize;
  /** What was written before is not shown as it is. */
  readonly place: TerminalPlace;
  /** Asks where it stands now; undefined: nobody answers. */
  readonly locate: () => Promise<TerminalPlace | undefined>;
}

/**
 * Shows a terminal on ours: first as what was written up to the event `lastSeq` left it, and
 * then all that is written, as it is. What was written before is not shown as it is: it has
 * questions that ours would answer once more, and lacks what was set before it.
 */
export class TerminalView {
  readonly #state: TerminalState;
  readonly #output: StandardOutput;
  readonly #ownSize: TerminalViewOptions['ownSize'];
  readonly #locate: TerminalViewOptions['locate'];
  /** What was written before and is not in the state yet. */
  readonly #past: (Uint8Array | TerminalSize)[] = [];
  #pastBytes = 0;
  /** What is shown follows what was not seen. */
  #isCut = false;
  /** Up to this event nothing is shown; undefined: all is. */
  #hiddenTo: TerminalPlace | undefined;
  #seq = 0;
  /** What sets ours as it is where nobody set it; undefined: nobody did. */
  #before: string | undefined;

  constructor({ locate, output, ownSize, place, state }: TerminalViewOptions) {
    this.#state = state;
    this.#output = output;
    this.#ownSize = ownSize;
    this.#locate = locate;
    this.#hiddenTo = place;
  }

  /** Takes what `sink` would take of an event's output, and leaves it the rest. */
  over(sink: EventSink): EventSink {
    return async (event) => {
      if (event.kind === 'gap' || (this.#seq === 0 && event.seq > 1)) await this.#miss();
      this.#seq = event.seq;
      if (this.#hiddenTo !== undefined && event.seq > this.#hiddenTo.lastSeq) await this.#show();
      if (event.kind === 'output') await this.#take(event);
      else await sink(event);
      if (event.kind === 'resized' && this.#hiddenTo !== undefined) this.#past.push(event);
      if (event.seq === this.#hiddenTo?.lastSeq) await this.#show();
    };
  }

  /**
   * Passes over what waits to be shown up to an event, if that is much, and shows what
   * it left: whoever interrupts a flood does not want to see the rest of it.
   */
  async skip(): Promise<void> {
    const place = await this.#locate();
    if (place === undefined || place.lastSeq - this.#seq <= MAX_BEHIND_EVENTS) return;
    this.#hide(place);
  }

  /** Sets our terminal as it is where nobody set it. Never rejects. */
  leave(): Promise<void> {
    return undoModes(this.#hiddenTo === undefined ? this.#state.undo() : '', this.#output);
  }

  /** What comes next follows what was not seen, and may have set anything. */
  async #miss(): Promise<void> {
    this.#forget();
    if (this.#hiddenTo !== undefined) return;
    const place = await this.#locate();
    if (place !== undefined) this.#hide(place);
  }

  #hide(place: TerminalPlace): void {
    if (this.#hiddenTo !== undefined) return;
    this.#hiddenTo = place;
    this.#before = this.#state.undo();
  }

  #forget(): void {
    this.#past.length = 0;
    this.#pastBytes = 0;
    this.#isCut = true;
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
      this.#pastBytes -= bytesOf(oldest);
      this.#isCut = true;
    }
  }

  async #show(): Promise<void> {
    const terminal = this.#hiddenTo?.terminal;
    this.#hiddenTo = undefined;
    this.#pastBytes = 0;
    const past = this.#past.splice(0);
    const isCut = this.#isCut;
    this.#isCut = false;
    // It is drawn as it was seen, and then takes our size as a terminal does that is resized.
    if (isCut && terminal !== undefined) this.#state.resize(terminal);
    if (isCut) await this.#begin(terminal?.modes ?? Buffer.of(), past);
    for (const piece of past) {
      if (piece instanceof Uint8Array) await this.#state.feed(piece);
      else this.#state.resize(piece);
    }
    this.#state.resize(this.#ownSize());
    await this.#output.write(this.#state.snapshot(this.#before));
  }

  /**
   * What is in force at the end was so at the beginning, or is set in between. The screen that
   * it begins with is the other one than the first that is chosen.
   */
  async #begin(modes: Buffer, past: readonly (Uint8Array | TerminalSize)[]): Promise<void> {
    await this.#state.begin(modes);
    const [, choice] = SCREEN_CHOICE.exec(textOf(past)) ?? [];
    if (choice !== undefined) {
      await this.#state.feed(Buffer.from(choice === 'h' ? '\x1b[?1049l' : '\x1b[?1049h'));
    }
  }
}

function bytesOf(piece: Uint8Array | TerminalSize): number {
  return piece instanceof Uint8Array ? piece.byteLength : 0;
}

function textOf(past: readonly (Uint8Array | TerminalSize)[]): string {
  return Buffer.concat(past.filter((piece) => piece instanceof Uint8Array)).toString('latin1');
}

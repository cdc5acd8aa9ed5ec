import { ControlSequences } from './control-sequences.ts';

/** Kitty's keyboard protocol lets programs push flags; more than that are forgotten, oldest first. */
const MAX_KEYBOARD_FLAGS = 8;
const MAX_KEYBOARD_FLAG = 31;

/** Bytes of {@link TerminalModes.sequences} at most, which a test holds it to. */
export const MAX_MODES_BYTES = 512;

/**
 * The modes of DECSET that outlive the program that set them, and what they are where nobody
 * did: cursor keys, reverse, origin, wraparound, blinking, cursor, keypad, backspace, focus, wheel,
 * eight-bit and Meta keys, paste, changes of the palette and of the size.
 */
const MODES: ReadonlyMap<number, boolean> = new Map(
  [1, 5, 6, 45, 66, 67, 1004, 1007, 1034, 1036, 1039, 2004, 2031, 2048]
    .map((mode): [number, boolean] => [mode, false])
    .concat([
      [7, true],
      [25, true],
    ]),
);

/** Those that whoever sets one sets instead of the others, and whoever resets one resets. */
const MOUSE = [9, 1000, 1002, 1003];
const MOUSE_ENCODINGS = [1005, 1006, 1015, 1016];
const ALTERNATE = [47, 1047, 1049];

/** An update that is shown when it is complete: of no matter to who joins, but it has to end. */
const SYNCHRONIZED = 2026;

/** Modes of DECSET that DECSTR resets, beside others. */
const SOFTLY_RESET = [1, 6, 25, 66];

const toggle = (mode: number, on: boolean): string => `\x1b[?${mode}${on ? 'h' : 'l'}`;

/**
 * How a terminal is set by all that was written to it: what outlives the program that set it and
 * the screen that it drew. It sees every byte once and remembers little, so that it can be told
 * at any time, however long ago it was set. A whole terminal would know as well, and costs more
 * than all else that is done with output.
 */
export class TerminalModes {
  readonly #sequences = new ControlSequences({
    escape: (byte) => this.#onEscape(byte),
    charset: (byte) => {
      const isUsual = byte === 0x42 || byte < 0x30 || byte > 0x7e;
      this.#charset = isUsual ? '' : String.fromCharCode(byte);
    },
    sequence: (kind, numbers, count) => this.#onSequence(kind, numbers, count),
  });
  readonly #set = new Map<number, boolean>();
  #mouse = 0;
  #mouseEncoding = 0;
  #alternate = false;
  #synchronized = false;
  #keypad = false;
  #insert = false;
  #newLine = false;
  #margins = '';
  #cursorStyle = 0;
  #charset = '';
  #otherKeys = 0;
  /** Flags of kitty's keyboard protocol, those in force last; of the two screens. */
  #keyboard: [number[], number[]] = [[], []];

  /** Whether the alternate screen is shown. */
  get alternate(): boolean {
    return this.#alternate;
  }

  /** Takes what was written. Sequences and characters may begin in one piece and end in another. */
  feed(data: Uint8Array): void {
    this.#sequences.feed(data);
  }

  /** What sets a terminal that nobody has set to the same; nothing, if nothing is set. */
  sequences(): string {
    const screen = this.#alternate ? toggle(1049, true) : '';
    return `${this.beneath()}${screen}${this.above()}`;
  }

  /** What of that belongs to the screen beneath the alternate one, if that is shown. */
  beneath(): string {
    return this.#alternate ? pushed(this.#keyboard[0]) : '';
  }

  /** What of that follows the choice of the screen, and what is drawn on it. */
  above(): string {
    const parts = [pushed(this.#keyboardNow)];
    if (this.#margins !== '') parts.push(`\x1b7\x1b[${this.#margins}r\x1b8`);
    for (const [mode, on] of this.#set) parts.push(toggle(mode, on));
    if (this.#mouse > 0) parts.push(toggle(this.#mouse, true));
    if (this.#mouseEncoding > 0) parts.push(toggle(this.#mouseEncoding, true));
    if (this.#keypad) parts.push('\x1b=');
    if (this.#insert) parts.push('\x1b[4h');
    if (this.#newLine) parts.push('\x1b[20h');
    if (this.#otherKeys > 0) parts.push(`\x1b[>4;${this.#otherKeys}m`);
    if (this.#cursorStyle > 0) parts.push(`\x1b[${this.#cursorStyle} q`);
    if (this.#charset !== '') parts.push(`\x1b(${this.#charset}`);
    return parts.join('');
  }

  /** What sets such a terminal back to where nobody had set it; nothing, if nothing is set. */
  undo(): string {
    const parts: string[] = [];
    const [normal, alternate] = this.#keyboard;
    if (this.#synchronized) parts.push(toggle(SYNCHRONIZED, false));
    for (const [mode, on] of this.#set) parts.push(toggle(mode, !on));
    if (this.#mouse > 0) parts.push(toggle(this.#mouse, false));
    if (this.#mouseEncoding > 0) parts.push(toggle(this.#mouseEncoding, false));
    if (this.#margins !== '') parts.push('\x1b7\x1b[r\x1b8');
    if (this.#keypad) parts.push('\x1b>');
    if (this.#insert) parts.push('\x1b[4l');
    if (this.#newLine) parts.push('\x1b[20l');
    if (this.#otherKeys > 0) parts.push('\x1b[>4m');
    if (this.#cursorStyle > 0) parts.push('\x1b[0 q');
    if (this.#charset !== '') parts.push('\x1b(B');
    if (this.#alternate) {
      if (alternate.length > 0) parts.push(`\x1b[<${alternate.length}u`);
      // After the rest, as leaving it brings back the cursor that was there before.
      parts.push(toggle(1049, false));
    }
    if (normal.length > 0) parts.push(`\x1b[<${normal.length}u`);
    return parts.length === 0 ? '' : `${parts.join('')}\x1b[0m`;
  }

  #onEscape(byte: number): void {
    if (byte === 0x3d) this.#keypad = true;
    else if (byte === 0x3e) this.#keypad = false;
    else if (byte === 0x63) this.#reset();
  }

  #onSequence(kind: number, numbers: Uint16Array, count: number): void {
    const [first = 0, second = 0] = numbers;
    const two = count > 1 ? second : 0;
    // Most are colors and moves of the cursor, which are none of these.
    switch (kind) {
      case 0x3f0068: // ? h
      case 0x3f006c: // ? l
        for (let i = 0; i < count; i++) this.#setPrivate(numbers[i] ?? 0, kind === 0x3f0068);
        return;
      case 0x68: // h
      case 0x6c: // l
        if (first === 4) this.#insert = kind === 0x68;
        if (first === 20) this.#newLine = kind === 0x68;
        return;
      case 0x72: // r
        this.#margins = first > 0 || two > 0 ? `${first || ''};${two || ''}` : '';
        return;
      case 0x2071: // space q
        this.#cursorStyle = first <= 6 ? first : 0;
        return;
      case 0x2170: // ! p
        this.#softReset();
        return;
      case 0x3e006d: // > m
        if (first === 4 || first === 0) this.#otherKeys = two <= 3 ? two : 0;
        return;
      case 0x3c0075: // < u
        this.#keyboardNow.splice(Math.max(0, this.#keyboardNow.length - Math.max(1, first)));
        return;
      case 0x3d0075: // = u
        this.#changeKeyboard(first, two);
        return;
      case 0x3e0075: // > u
        this.#keyboardNow.push(Math.min(first, MAX_KEYBOARD_FLAG));
        if (this.#keyboardNow.length > MAX_KEYBOARD_FLAGS) this.#keyboardNow.shift();
    }
  }

  #setPrivate(mode: number, on: boolean): void {
    const usual = MODES.get(mode);
    if (usual !== undefined) {
      if (on === usual) this.#set.delete(mode);
      else this.#set.set(mode, on);
    } else if (MOUSE.includes(mode)) this.#mouse = on ? mode : 0;
    else if (MOUSE_ENCODINGS.includes(mode)) this.#mouseEncoding = on ? mode : 0;
    else if (mode === SYNCHRONIZED) this.#synchronized = on;
    else if (ALTERNATE.includes(mode)) this.#alternate = on;
  }

  get #keyboardNow(): number[] {
    return this.#keyboard[this.#alternate ? 1 : 0];
  }

  #changeKeyboard(flags: number, how: number): void {
    const before = this.#keyboardNow.pop() ?? 0;
    const after = how === 2 ? before | flags : how === 3 ? before & ~flags : flags;
    this.#keyboardNow.push(after & MAX_KEYBOARD_FLAG);
  }

  #softReset(): void {
    for (const mode of SOFTLY_RESET) this.#set.delete(mode);
    this.#keypad = false;
    this.#insert = false;
    this.#margins = '';
    this.#charset = '';
  }

  #reset(): void {
    this.#set.clear();
    this.#softReset();
    this.#mouse = 0;
    this.#mouseEncoding = 0;
    this.#alternate = false;
    this.#synchronized = false;
    this.#newLine = false;
    this.#cursorStyle = 0;
    this.#otherKeys = 0;
    this.#keyboard = [[], []];
  }
}

function pushed(flags: readonly number[]): string {
  return flags.map((value) => `\x1b[>${value}u`).join('');
}

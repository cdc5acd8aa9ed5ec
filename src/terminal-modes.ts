const ESC = 0x1b;
const BEL = 0x07;
const CAN = 0x18;
const SUB = 0x1a;

/** Numbers of a sequence that are looked at: programs give a handful. */
const MAX_NUMBERS = 32;

/** Bytes of text that are looked through one by one before native code is called to find the end. */
const NEAR_BYTES = 32;

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

/** What is between two bytes. */
type State =
  | 'text'
  | 'escape'
  | 'charset'
  | 'intermediate'
  | 'csi'
  | 'osc'
  | 'string'
  | 'string-escape';

const toggle = (mode: number, on: boolean): string => `\x1b[?${mode}${on ? 'h' : 'l'}`;

/**
 * How a terminal is set by all that was written to it: what outlives the program that set it and
 * the screen that it drew. It sees every byte once and remembers little, so that it can be told
 * at any time, however long ago it was set. A whole terminal would know as well, and costs more
 * than all else that is done with output.
 */
export class TerminalModes {
  #state: State = 'text';
  /** Of the sequence that has begun: what stands before its numbers, these, and what stands behind. */
  #prefix = 0;
  readonly #numbers = new Uint16Array(MAX_NUMBERS);
  #count = 0;
  #intermediate = 0;
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
    const { length } = data;
    for (let at = 0; at < length; ) {
      if (this.#state === 'text') {
        at = endOfText(data, at);
        if (at < length) this.#state = 'escape';
        at += 1;
      } else if (this.#state === 'csi') {
        at = this.#inSequence(data, at);
      } else if (this.#state === 'osc' || this.#state === 'string') {
        at = this.#inString(data, at);
      } else {
        this.#take(data[at] ?? 0);
        at += 1;
      }
    }
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

  #take(byte: number): void {
    switch (this.#state) {
      case 'escape':
        this.#afterEscape(byte);
        return;
      case 'charset':
        this.#state = 'text';
        this.#charset =
          byte === 0x42 || byte < 0x30 || byte > 0x7e ? '' : String.fromCharCode(byte);
        return;
      case 'intermediate':
        if (byte === ESC) this.#state = 'escape';
        else if (byte < 0x20 || byte > 0x2f) this.#state = 'text';
        return;
      case 'string-escape':
        // ESC ends a string, whatever follows; \ is no more than the usual.
        this.#state = 'text';
        if (byte !== 0x5c) this.#afterEscape(byte);
        return;
    }
  }

  /** Takes the bytes of a title or the like, to its end or that of what there is. Returns the next. */
  #inString(data: Uint8Array, from: number): number {
    for (let at = from; at < data.length; at++) {
      const byte = data[at] ?? 0;
      if (byte > ESC) continue;
      if (byte === ESC) this.#state = 'string-escape';
      else if (byte === CAN || byte === SUB || (byte === BEL && this.#state === 'osc')) {
        this.#state = 'text';
      } else continue;
      return at + 1;
    }
    return data.length;
  }

  #afterEscape(byte: number): void {
    this.#state = 'text';
    switch (byte) {
      case ESC:
        this.#state = 'escape';
        return;
      case 0x5b: // [
        this.#state = 'csi';
        this.#prefix = 0;
        this.#count = 0;
        this.#intermediate = 0;
        this.#numbers[0] = 0;
        return;
      case 0x5d: // ]
        this.#state = 'osc';
        return;
      case 0x50: // P
      case 0x58: // X
      case 0x5e: // ^
      case 0x5f: // _
        this.#state = 'string';
        return;
      case 0x28: // (
        this.#state = 'charset';
        return;
      case 0x3d: // =
        this.#keypad = true;
        return;
      case 0x3e: // >
        this.#keypad = false;
        return;
      case 0x63: // c
        this.#reset();
        return;
      default:
        if (byte >= 0x20 && byte <= 0x2f) this.#state = 'intermediate';
        // A control character is done, and the sequence goes on.
        else if (byte < 0x20 && byte !== CAN && byte !== SUB) this.#state = 'escape';
    }
  }

  /** Takes the bytes of a sequence, to its last or to the end of what there is. Returns the next. */
  #inSequence(data: Uint8Array, from: number): number {
    const numbers = this.#numbers;
    let count = this.#count;
    for (let at = from; at < data.length; at++) {
      const byte = data[at] ?? 0;
      if (byte >= 0x30 && byte <= 0x39) {
        // What is larger than fits is no mode.
        if (count < MAX_NUMBERS) {
          numbers[count] = Math.min(0xffff, (numbers[count] ?? 0) * 10 + byte - 0x30);
        }
      } else if (byte === 0x3b) {
        count += 1;
        if (count < MAX_NUMBERS) numbers[count] = 0;
      } else if (byte >= 0x40 && byte <= 0x7e) {
        this.#count = count;
        this.#state = 'text';
        this.#onSequence(byte);
        return at + 1;
      } else if (byte >= 0x3a && byte <= 0x3f) this.#prefix = byte;
      else if (byte >= 0x20 && byte <= 0x2f) this.#intermediate = byte;
      else if (byte === ESC || byte === CAN || byte === SUB) {
        this.#state = byte === ESC ? 'escape' : 'text';
        return at + 1;
      }
      // Another control character is done, and the sequence goes on.
    }
    this.#count = count;
    return data.length;
  }

  #onSequence(final: number): void {
    const [first = 0, second = 0] = this.#numbers;
    const two = this.#count > 0 ? second : 0;
    // Most are colors and moves of the cursor, which are none of these.
    switch ((this.#prefix << 16) | (this.#intermediate << 8) | final) {
      case 0x3f0068: // ? h
      case 0x3f006c: // ? l
        for (let i = 0; i <= this.#count && i < MAX_NUMBERS; i++) {
          this.#setPrivate(this.#numbers[i] ?? 0, final === 0x68);
        }
        return;
      case 0x68: // h
      case 0x6c: // l
        if (first === 4) this.#insert = final === 0x68;
        if (first === 20) this.#newLine = final === 0x68;
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

/** Where text ends: the next ESC, or the end of what there is. */
function endOfText(data: Uint8Array, from: number): number {
  const near = Math.min(data.length, from + NEAR_BYTES);
  for (let at = from; at < near; at++) if (data[at] === ESC) return at;
  if (near === data.length) return near;
  const found = data.indexOf(ESC, near);
  return found === -1 ? data.length : found;
}

function pushed(flags: readonly number[]): string {
  return flags.map((value) => `\x1b[>${value}u`).join('');
}

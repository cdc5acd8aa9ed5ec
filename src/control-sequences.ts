const ESC = 0x1b;
const BEL = 0x07;
const CAN = 0x18;
const SUB = 0x1a;

/** Numbers of a sequence that are looked at: programs give a handful. */
const MAX_NUMBERS = 32;

/** Bytes of text that are looked through one by one before native code is called to find the end. */
const NEAR_BYTES = 32;

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

/** What is told of the sequences in what is written to a terminal. */
export interface SequenceHandler {
  /** One of ESC and a byte. */
  escape(byte: number): void;
  /** The choice of the characters that are called G0. */
  charset(byte: number): void;
  /**
   * One of CSI: in `kind` what stands before its numbers, what stands behind, and its last byte,
   * from the top; `count` of the numbers are its own, which are another's afterward.
   */
  sequence(kind: number, numbers: Uint16Array, count: number): void;
}

/** Finds the control sequences in what is written to a terminal, and passes over all else. */
export class ControlSequences {
  readonly #handler: SequenceHandler;
  #state: State = 'text';
  /** Of the sequence that has begun: what stands before its numbers, these, and what stands behind. */
  #prefix = 0;
  readonly #numbers = new Uint16Array(MAX_NUMBERS);
  #count = 0;
  #intermediate = 0;

  constructor(handler: SequenceHandler) {
    this.#handler = handler;
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

  #take(byte: number): void {
    switch (this.#state) {
      case 'escape':
        this.#afterEscape(byte);
        return;
      case 'charset':
        this.#state = 'text';
        this.#handler.charset(byte);
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
      default:
        if (byte >= 0x20 && byte <= 0x2f) this.#state = 'intermediate';
        // A control character is done, and the sequence goes on.
        else if (byte < 0x20 && byte !== CAN && byte !== SUB) this.#state = 'escape';
        else this.#handler.escape(byte);
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
        const kind = (this.#prefix << 16) | (this.#intermediate << 8) | byte;
        this.#handler.sequence(kind, numbers, Math.min(count + 1, MAX_NUMBERS));
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
}

/** Where text ends: the next ESC, or the end of what there is. */
function endOfText(data: Uint8Array, from: number): number {
  const near = Math.min(data.length, from + NEAR_BYTES);
  for (let at = from; at < near; at++) if (data[at] === ESC) return at;
  if (near === data.length) return near;
  const found = data.indexOf(ESC, near);
  return found === -1 ? data.length : found;
}

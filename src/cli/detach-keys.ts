import { InvalidArgumentError } from 'commander';

/** The keys that detach if nothing is said. */
export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

/** Characters that Ctrl makes a control character of: that with their lowest five bits. */
const CONTROLS = /^ctrl-([a-z@[\\\]^_])$/i;

/**
 * Reads keys as `ctrl-p,ctrl-q`: each `ctrl-` and a letter or one of `@[\]^_`, or a
 * character. Returns the bytes that they are; none: an empty text.
 */
export function parseDetachKeys(text: string): Buffer {
  if (text === '') return Buffer.alloc(0);
  const keys = text.split(',').map((key) => {
    const control = CONTROLS.exec(key)?.[1];
    if (control !== undefined) return String.fromCharCode(control.toUpperCase().charCodeAt(0) & 31);
    if ([...key].length !== 1) {
      throw new InvalidArgumentError('expected keys like ctrl-p,ctrl-q or x, with commas between');
    }
    return key;
  });
  return Buffer.from(keys.join(''));
}

/** Finds the keys that detach in what is typed. */
export class DetachKeys {
  readonly #keys: Buffer;
  /** How many of them were typed last. */
  #typed = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  /**
   * Takes what was typed and returns what the process is to get: all but keys which may
   * turn out to detach. Undefined: they were typed.
   */
  take(data: Buffer): Buffer | undefined {
    const keys = this.#keys;
    if (keys.byteLength === 0) return data;
    const passed: number[] = [];
    for (const byte of data) {
      // Those that were held back are given up until what is left of them goes on with this one.
      while (this.#typed > 0 && keys[this.#typed] !== byte) passed.push(...this.#shift());
      if (keys[this.#typed] === byte) this.#typed += 1;
      else passed.push(byte);
      if (this.#typed === keys.byteLength) return undefined;
    }
    return Buffer.from(passed);
  }

  /** Gives up as few of the keys that were held back as it takes for the rest to begin them anew. */
  #shift(): readonly number[] {
    const held = this.#keys.subarray(0, this.#typed);
    for (let given = 1; given <= held.byteLength; given++) {
      const rest = held.subarray(given);
      if (!rest.equals(this.#keys.subarray(0, rest.byteLength))) continue;
      this.#typed = rest.byteLength;
      return [...held.subarray(0, given)];
    }
    return [];
  }
}

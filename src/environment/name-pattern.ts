/**
 * Compiles a pattern for names of environment variables: it matches whole names
 * without regard to case; `*` is any run of characters, `?` exactly one, and
 * everything else stands for itself.
 *
 * Matching takes time in proportion to the product of both lengths, by 32 characters of the
 * pattern at a time, whatever the pattern, since patterns come from clients.
 */
export function compileNamePattern(pattern: string): (name: string) => boolean {
  const glob = new Glob(foldedCharacters(pattern));
  return (name) => glob.matches(fold(name));
}

/** Character by character, since folding may change how many a whole string has. */
function foldedCharacters(text: string): readonly string[] {
  return Array.from(text, (character) => character.toLowerCase());
}

let lastName = '';
let lastFolded: readonly string[] = [];

/** The same; of a name that is matched with many patterns one after the other it is done once. */
function fold(name: string): readonly string[] {
  if (name !== lastName) {
    lastName = name;
    lastFolded = foldedCharacters(name);
  }
  return lastFolded;
}

const WORD_BITS = 32;

/**
 * All places of the pattern that a name may have come to are followed at once, a bit for each
 * (Shift-And, Baeza-Yates and Gonnet). Bit `i`: the first `i` characters other than `*` have
 * been matched.
 */
class Glob {
  readonly #length: number;
  readonly #words: number;
  /** Where a `*` stands, and the name may stay. */
  readonly #loops: Uint32Array;
  /** Where each character that the pattern names leads to. */
  readonly #steps = new Map<string, Uint32Array>();
  /** Where any other leads to. */
  readonly #anyStep: Uint32Array;

  constructor(pattern: readonly string[]) {
    const named = pattern.filter((character) => character !== '*');
    this.#length = named.length;
    this.#words = Math.floor(named.length / WORD_BITS) + 1;
    this.#loops = new Uint32Array(this.#words);
    this.#anyStep = new Uint32Array(this.#words);
    let place = 0;
    for (const character of pattern) {
      if (character === '*') {
        setBit(this.#loops, place);
        continue;
      }
      place += 1;
      if (character === '?') setBit(this.#anyStep, place);
    }
    for (const [index, character] of named.entries()) {
      if (character === '?') continue;
      const step = this.#steps.get(character) ?? this.#anyStep.slice();
      this.#steps.set(character, step);
      setBit(step, index + 1);
    }
  }

  matches(name: readonly string[]): boolean {
    const places = new Uint32Array(this.#words);
    setBit(places, 0);
    for (const character of name) {
      const step = this.#steps.get(character) ?? this.#anyStep;
      let carry = 0;
      let left = 0;
      for (let word = 0; word < this.#words; word++) {
        const before = places[word] ?? 0;
        const next =
          (((before << 1) | carry) & (step[word] ?? 0)) | (before & (this.#loops[word] ?? 0));
        carry = before >>> (WORD_BITS - 1);
        places[word] = next;
        left |= next;
      }
      if (left === 0) return false;
    }
    return hasBit(places, this.#length);
  }
}

function setBit(words: Uint32Array, bit: number): void {
  const word = Math.floor(bit / WORD_BITS);
  words[word] = (words[word] ?? 0) | (1 << (bit % WORD_BITS));
}

function hasBit(words: Uint32Array, bit: number): boolean {
  return ((words[Math.floor(bit / WORD_BITS)] ?? 0) & (1 << (bit % WORD_BITS))) !== 0;
}

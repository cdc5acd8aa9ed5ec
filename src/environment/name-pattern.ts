import type { SharedTurns } from './shared-turns.ts';

/** The characters of a name without regard to case, each a number. */
export type FoldedName = readonly number[];

const STAR = 0x2a;
const QUESTION_MARK = 0x3f;

/**
 * Folds a name, once for all patterns that it is matched with. Character by character, since
 * folding may change how many a whole text has: the one that becomes two stands for itself.
 */
export function foldName(name: string): FoldedName {
  const folded: number[] = [];
  for (let at = 0; at < name.length; at++) {
    let code = name.charCodeAt(at);
    if (code < 0x80) {
      folded.push(code >= 0x41 && code <= 0x5a ? code + 0x20 : code);
      continue;
    }
    code = name.codePointAt(at) ?? code;
    // It takes two units of the text.
    if (code > 0xffff) at += 1;
    const lower = String.fromCodePoint(code).toLowerCase();
    const first = lower.codePointAt(0) ?? code;
    folded.push(lower === String.fromCodePoint(first) ? first : code);
  }
  return folded;
}

const WORD_BITS = 32;

/** Characters of a name times words of a pattern that are looked at without a pause. */
const PIECE = 8192;

/** What a comparison costs, however short both are, in the same unit. */
const LEAST_COST = 16;

/**
 * A pattern for names of environment variables: it matches whole names
 * without regard to case; `*` is any run of characters, `?` exactly one, and
 * everything else stands for itself.
 *
 * All places of the pattern that a name may have come to are followed at once, a bit for each
 * (Shift-And, Baeza-Yates and Gonnet). Bit `i`: the first `i` characters other than `*` have
 * been matched. So it takes time in proportion to the product of both lengths, by 32 characters
 * of the pattern at a time, whatever the pattern, since patterns come from clients.
 */
export class NamePattern {
  readonly #length: number;
  readonly #words: number;
  /** Where a `*` stands, and the name may stay. */
  readonly #loops: Int32Array;
  /** Where each character that the pattern names leads to. */
  readonly #steps = new Map<number, Int32Array>();
  /** Where any other leads to. */
  readonly #anyStep: Int32Array;

  constructor(pattern: string) {
    const characters = foldName(pattern);
    const named = characters.filter((character) => character !== STAR);
    this.#length = named.length;
    this.#words = Math.floor(named.length / WORD_BITS) + 1;
    this.#loops = new Int32Array(this.#words);
    this.#anyStep = new Int32Array(this.#words);
    let place = 0;
    for (const character of characters) {
      if (character === STAR) {
        setBit(this.#loops, place);
        continue;
      }
      place += 1;
      if (character === QUESTION_MARK) setBit(this.#anyStep, place);
    }
    for (const [index, character] of named.entries()) {
      if (character === QUESTION_MARK) continue;
      const step = this.#steps.get(character) ?? this.#anyStep.slice();
      this.#steps.set(character, step);
      setBit(step, index + 1);
    }
  }

  /** Whether it matches a name, in one go. */
  matches(name: FoldedName): boolean {
    if (name.length < this.#length) return false;
    if (this.#words === 1) return this.#matchesInWord(name);
    const places = this.#begin();
    return this.#advance(places, name, 0, name.length) && hasBit(places, this.#length);
  }

  /** The same, with a pause where much was done in this turn of the event loop. */
  async matchesInTurns(name: FoldedName, turns: SharedTurns): Promise<boolean> {
    const places = this.#begin();
    const step = Math.ceil(PIECE / this.#words);
    for (let from = 0; from < name.length; from += step) {
      await turns.spend(PIECE);
      if (!this.#advance(places, name, from, Math.min(from + step, name.length))) return false;
    }
    return hasBit(places, this.#length);
  }

  /** What matching a name costs at most. */
  cost(name: FoldedName): number {
    return name.length < this.#length ? LEAST_COST : LEAST_COST + name.length * this.#words;
  }

  #begin(): Int32Array {
    const places = new Int32Array(this.#words);
    setBit(places, 0);
    return places;
  }

  /** Goes on by some characters of a name; false when it cannot match any more. */
  #advance(places: Int32Array, name: FoldedName, from: number, to: number): boolean {
    const loops = this.#loops;
    const last = this.#words - 1;
    // Where places are alive: most patterns are given up within their first word.
    let high = last;
    while (high > 0 && places[high] === 0) high -= 1;
    for (let at = from; at < to; at++) {
      const step = this.#steps.get(name[at] ?? 0) ?? this.#anyStep;
      if (high < last) high += 1;
      let carry = 0;
      let left = 0;
      for (let word = 0; word <= high; word++) {
        const before = places[word] as number;
        const next =
          (((before << 1) | carry) & (step[word] as number)) | (before & (loops[word] as number));
        carry = before >>> (WORD_BITS - 1);
        places[word] = next;
        left |= next;
      }
      if (left === 0) return false;
      while (high > 0 && places[high] === 0) high -= 1;
    }
    return true;
  }

  /** All in one number, which nearly every pattern fits into. */
  #matchesInWord(name: FoldedName): boolean {
    const loops = this.#loops[0] as number;
    const anyStep = this.#anyStep[0] as number;
    let places = 1;
    for (const character of name) {
      const step = this.#steps.get(character)?.[0] ?? anyStep;
      places = ((places << 1) & step) | (places & loops);
      if (places === 0) return false;
    }
    return (places & (1 << this.#length)) !== 0;
  }
}

/** Whether any of them matches a name. */
export async function matchesAny(
  patterns: readonly NamePattern[],
  name: FoldedName,
  turns: SharedTurns,
): Promise<boolean> {
  for (const pattern of patterns) {
    const cost = pattern.cost(name);
    if (cost > PIECE) {
      if (await pattern.matchesInTurns(name, turns)) return true;
      continue;
    }
    const pause = turns.spend(cost);
    if (pause !== undefined) await pause;
    if (pattern.matches(name)) return true;
  }
  return false;
}

function setBit(words: Int32Array, bit: number): void {
  const word = Math.floor(bit / WORD_BITS);
  words[word] = (words[word] ?? 0) | (1 << (bit % WORD_BITS));
}

function hasBit(words: Int32Array, bit: number): boolean {
  return ((words[Math.floor(bit / WORD_BITS)] ?? 0) & (1 << (bit % WORD_BITS))) !== 0;
}

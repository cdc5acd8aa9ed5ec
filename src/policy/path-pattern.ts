/** What a part of a pattern stands for: one character, by its number, or one of these. */
type Part = number | 'any' | 'run' | 'deep-run';

const SLASH = 0x2f;

/**
 * A pattern for paths and for names of callers: it matches whole texts, with regard to case.
 * `*` is any run of characters but `/`, `**` any run at all, `?` one character but `/`;
 * everything else stands for itself.
 *
 * All places of the pattern that a text may have come to are followed at once, so that matching
 * takes time in proportion to the product of both lengths, whatever a caller gives.
 */
export class PathPattern {
  readonly #parts: readonly Part[];

  constructor(pattern: string) {
    this.#parts = partsOf(pattern);
  }

  /** Whether it matches a text. */
  matches(text: string): boolean {
    let places = this.#begin();
    for (let at = 0; at < text.length; at++) {
      const next = this.#step(places, text.charCodeAt(at));
      if (next === undefined) return false;
      places = next;
    }
    return places[this.#parts.length] === 1;
  }

  #begin(): Uint8Array {
    const places = new Uint8Array(this.#parts.length + 1);
    this.#enter(places, 0);
    return places;
  }

  /** Where one more character leads to; undefined: nowhere. */
  #step(places: Uint8Array, code: number): Uint8Array | undefined {
    const next = new Uint8Array(places.length);
    let alive = false;
    for (const [place, part] of this.#parts.entries()) {
      if (places[place] !== 1 || !takes(part, code)) continue;
      alive = true;
      // What stands for a run may take the next character, too.
      this.#enter(next, part === 'run' || part === 'deep-run' ? place : place + 1);
    }
    return alive ? next : undefined;
  }

  /** Comes to a place, and to those after it, as far as what is between may stand for nothing. */
  #enter(places: Uint8Array, first: number): void {
    for (let place = first; ; place++) {
      places[place] = 1;
      const part = this.#parts[place];
      if (part !== 'run' && part !== 'deep-run') return;
    }
  }
}

function partsOf(pattern: string): readonly Part[] {
  const parts: Part[] = [];
  for (const text of pattern.match(/\*\*+|./gs) ?? []) {
    if (text === '*') parts.push('run');
    else if (text.startsWith('**')) parts.push('deep-run');
    else parts.push(text === '?' ? 'any' : text.charCodeAt(0));
  }
  return parts;
}

function takes(part: Part, code: number): boolean {
  if (part === 'deep-run') return true;
  if (part === 'any' || part === 'run') return code !== SLASH;
  return part === code;
}

/** Whether any of them matches a text. */
export function matchesSome(patterns: readonly PathPattern[], text: string): boolean {
  return patterns.some((pattern) => pattern.matches(text));
}

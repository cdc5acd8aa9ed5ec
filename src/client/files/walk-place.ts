import type { SystemText } from '../process-spec.ts';

/** Where a file comes in a walk: the names on its path. */
export type WalkPlace = readonly Buffer[];

/** The place of a file in a walk, by its path. */
export function placeOf(path: SystemText): WalkPlace {
  const bytes = typeof path === 'string' ? Buffer.from(path) : Buffer.from(path);
  const names: Buffer[] = [];
  for (let begin = 0; begin <= bytes.length; ) {
    const slash = bytes.indexOf(SLASH, begin);
    const end = slash < 0 ? bytes.length : slash;
    names.push(bytes.subarray(begin, end));
    begin = end + 1;
  }
  return names;
}

/**
 * Whether a place comes after another in the same walk: it is breadth first, and the files of a
 * folder come in the order of the bytes of their names.
 */
export function isBeyond(place: WalkPlace, other: WalkPlace): boolean {
  if (place.length !== other.length) return place.length > other.length;
  for (const [i, name] of place.entries()) {
    const order = name.compare(other[i] ?? Buffer.alloc(0));
    if (order !== 0) return order > 0;
  }
  return false;
}

const SLASH = 0x2f;

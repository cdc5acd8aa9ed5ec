/** A name that has less than this part of a word in common with it is not what was meant. */
const LEAST_IN_COMMON = 0.5;

/** The name that a word was most likely meant to be; undefined: it is like none of them. */
export function nearestName(word: string, names: readonly string[]): string | undefined {
  // As it might be written elsewhere: `--max-sessions`, `max_sessions`, `maxSessions`.
  const plain = word
    .replace(/^-+/, '')
    .replace(/(?<=[a-z])(?=[A-Z][a-z])/g, '-')
    .replaceAll('_', '-')
    .toLowerCase();
  const [best] = names
    .map((name) => ({ name, inCommon: inCommon(plain, name) }))
    .sort((a, b) => b.inCommon - a.inCommon);
  return best !== undefined && best.inCommon >= LEAST_IN_COMMON ? best.name : undefined;
}

/** From 0 to 1. */
function inCommon(one: string, other: string): number {
  const length = Math.max(one.length, other.length);
  // Without looking at what is much too long.
  if (Math.min(one.length, other.length) < length * LEAST_IN_COMMON) return 0;
  return 1 - editsBetween(one, other) / length;
}

/** How many characters are put in, left out or replaced by others: the Levenshtein distance. */
function editsBetween(one: string, other: string): number {
  let above = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (const [i, character] of [...one].entries()) {
    const row = [i + 1];
    for (const [j, wanted] of [...other].entries()) {
      const replaced = (above[j] ?? 0) + (character === wanted ? 0 : 1);
      row.push(Math.min(replaced, (above[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1));
    }
    above = row;
  }
  return above.at(-1) ?? 0;
}

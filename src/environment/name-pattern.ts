/**
 * Compiles a pattern for names of environment variables: it matches whole names
 * without regard to case; `*` is any run of characters, `?` exactly one, and
 * everything else stands for itself.
 *
 * Matching takes time in proportion to the product of both lengths at worst,
 * whatever the pattern, since patterns come from clients.
 */
export function compileNamePattern(pattern: string): (name: string) => boolean {
  const glob = foldedCharacters(pattern);
  return (name) => matches(glob, foldedCharacters(name));
}

/** Character by character, since folding may change how many a whole string has. */
function foldedCharacters(text: string): readonly string[] {
  return Array.from(text, (character) => character.toLowerCase());
}

/**
 * The classic two-pointer match: on a mismatch, let the latest `*` take one
 * character more and go on from there. Earlier stars never need another look.
 */
function matches(glob: readonly string[], name: readonly string[]): boolean {
  let g = 0;
  let n = 0;
  let star = -1;
  let taken = 0;
  while (n < name.length) {
    if (glob[g] === '*') {
      star = g++;
      taken = n;
    } else if (g < glob.length && (glob[g] === '?' || glob[g] === name[n])) {
      g++;
      n++;
    } else if (star >= 0) {
      g = star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  while (glob[g] === '*') g++;
  return g === glob.length;
}

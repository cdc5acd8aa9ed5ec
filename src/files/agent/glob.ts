/*
 * Globs, as the protos describe them, on paths below a folder. What a folder's path has matched is
 * kept as the places in a pattern that were reached, so that each name below it takes a step: the
 * time is in proportion to the pattern and the name, whatever the pattern.
 */

/** One character of a name. */
type Token =
  | { readonly kind: 'character'; readonly character: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'set'; readonly negated: boolean; readonly ranges: readonly Range[] }
  /** Any number of them. */
  | { readonly kind: 'star' };

type Range = readonly [from: number, to: number];

/** What a name has to be: `folders`: any number of them. */
type Part = readonly Token[] | 'folders';

/** What of a pattern a path has matched. */
export interface GlobPlace {
  /** Whether the path matches. */
  readonly matches: boolean;
  /** Whether something below the path may. */
  readonly goesOn: boolean;
  /** The same for the path and one more name, a text. */
  enter(name: string): GlobPlace;
}

/** A pattern that is none, and why. */
export class GlobError extends Error {}

/**
 * Compiles a pattern, to its place at the folder that paths are below.
 *
 * @throws GlobError
 */
export function compileGlob(pattern: string): GlobPlace {
  const parts = parseGlob(pattern);
  return placeIn(parts, reached(parts, [0]));
}

/** The place where one of some patterns matches. */
export function anyOf(places: readonly GlobPlace[]): GlobPlace {
  const left = places.filter(({ goesOn, matches }) => goesOn || matches);
  return {
    matches: left.some(({ matches }) => matches),
    goesOn: left.some(({ goesOn }) => goesOn),
    enter: (name) => anyOf(left.map((place) => place.enter(name))),
  };
}

/** Matches everything. */
export const EVERYTHING: GlobPlace = { matches: true, goesOn: true, enter: () => EVERYTHING };

function placeIn(parts: readonly Part[], at: readonly number[]): GlobPlace {
  return {
    matches: at.at(-1) === parts.length,
    goesOn: at.some((index) => index < parts.length),
    enter: (name) => placeIn(parts, reached(parts, next(parts, at, Array.from(name)))),
  };
}

/** The places that a name leads to. In order, as those that it came from. */
function next(parts: readonly Part[], at: readonly number[], name: readonly string[]): number[] {
  return at.flatMap((index) => {
    const part = parts[index];
    if (part === undefined) return [];
    if (part === 'folders') return [index];
    return matchesName(part, name) ? [index + 1] : [];
  });
}

/** With the places behind those that need no name. In order, each once. */
function reached(parts: readonly Part[], at: readonly number[]): number[] {
  const all: number[] = [];
  for (let index of at) {
    // What is behind one that was reached already was reached with it.
    if (index <= (all.at(-1) ?? -1)) continue;
    all.push(index);
    while (parts[index] === 'folders') all.push(++index);
  }
  return all;
}

/**
 * Whether a name matches. Only the last star is ever tried again: what those before it have
 * matched is the least that they can.
 */
function matchesName(tokens: readonly Token[], name: readonly string[]): boolean {
  let token = 0;
  let at = 0;
  let star: { readonly token: number; at: number } | undefined;
  while (at < name.length) {
    const wanted = tokens[token];
    if (wanted?.kind === 'star') {
      star = { token, at };
      token += 1;
    } else if (wanted !== undefined && matchesCharacter(wanted, name[at] ?? '')) {
      token += 1;
      at += 1;
    } else if (star !== undefined) {
      star.at += 1;
      at = star.at;
      token = star.token + 1;
    } else {
      return false;
    }
  }
  while (tokens[token]?.kind === 'star') token += 1;
  return token === tokens.length;
}

function matchesCharacter(token: Token, character: string): boolean {
  if (token.kind === 'character') return token.character === character;
  if (token.kind !== 'set') return token.kind === 'any';
  const code = character.codePointAt(0) ?? 0;
  return token.ranges.some(([from, to]) => from <= code && code <= to) !== token.negated;
}

/** @throws GlobError */
function parseGlob(pattern: string): Part[] {
  const characters = Array.from(pattern);
  if (characters.length === 0) throw new GlobError('must not be empty');
  if (characters.includes('\0')) throw new GlobError('must not contain NUL');
  if (characters[0] === '/') throw new GlobError('is matched below the folder: no slash before it');
  const parts: Part[] = [];
  for (let at = 0; at <= characters.length; ) {
    const part = parsePart(characters, at);
    parts.push(part.tokens.length === 2 && part.tokens.every(isStar) ? 'folders' : part.tokens);
    at = part.end + 1;
  }
  return parts;
}

/** @throws GlobError */
function parsePart(characters: readonly string[], start: number): { tokens: Token[]; end: number } {
  const tokens: Token[] = [];
  let at = start;
  while (at < characters.length && characters[at] !== '/') {
    const character = characters[at] ?? '';
    at += 1;
    if (character === '*') {
      tokens.push({ kind: 'star' });
    } else if (character === '?') {
      tokens.push({ kind: 'any' });
    } else if (character === '[') {
      const set = parseSet(characters, at);
      tokens.push(set.token);
      at = set.end;
    } else {
      const literal = character === '\\' ? escaped(characters, at) : character;
      if (character === '\\') at += 1;
      tokens.push({ kind: 'character', character: literal });
    }
  }
  const name = characters.slice(start, at).join('');
  if (name === '') throw new GlobError('must not have a part without a name: a slash too many');
  if (name === '.' || name === '..') throw new GlobError(`no path below a folder has ${name}`);
  return { tokens, end: at };
}

/** @throws GlobError */
function parseSet(characters: readonly string[], start: number): { token: Token; end: number } {
  const negated = characters[start] === '!' || characters[start] === '^';
  const first = negated ? start + 1 : start;
  const ranges: Range[] = [];
  let at = first;
  /** The one that comes next, with what a backslash takes from it. */
  const take = (): number => {
    if (characters[at] === '[' && /[:.=]/.test(characters[at + 1] ?? '')) {
      throw new GlobError('a set has no classes: no bracket with :, . or = behind it');
    }
    const escapes = characters[at] === '\\';
    const character = escapes ? escaped(characters, at + 1) : characters[at];
    if (character === undefined || character === '/') throw new GlobError('a set has no end');
    at += escapes ? 2 : 1;
    return character.codePointAt(0) ?? 0;
  };
  // A bracket that comes first is one of the set.
  while (at === first || characters[at] !== ']') {
    const from = take();
    if (characters[at] !== '-' || characters[at + 1] === ']') {
      ranges.push([from, from]);
      continue;
    }
    at += 1;
    const to = take();
    if (to < from) throw new GlobError('a range of a set ends before it begins');
    ranges.push([from, to]);
  }
  return { token: { kind: 'set', negated, ranges }, end: at + 1 };
}

/** @throws GlobError */
function escaped(characters: readonly string[], at: number): string {
  const character = characters[at];
  if (character === undefined) throw new GlobError('ends with a backslash');
  if (character === '/') throw new GlobError('a slash has no meaning that a backslash could take');
  return character;
}

function isStar(token: Token): boolean {
  return token.kind === 'star';
}

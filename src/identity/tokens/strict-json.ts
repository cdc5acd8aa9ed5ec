/** A text of JSON in parts: a string, what opens or closes, a comma; all else is passed over. */
const PART = /"(?:[^"\\]|\\.)*"(?<colon>\s*:)?|[{}]/g;

/** An invalid byte is no question mark, and a byte order mark no white space. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The members of a JSON object (RFC 8259) of which none is there twice: of two, one program
 * would take the first, and another the last.
 *
 * @throws Error if it is none
 */
export function parseStrictObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const text = UTF8.decode(bytes);
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new Error('it is no JSON object');
  if (hasDuplicates(text)) throw new Error('a member is there twice');
  return value;
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether an object in a text that is valid JSON has two members with one name. */
function hasDuplicates(text: string): boolean {
  const open: Set<string>[] = [];
  for (const { 0: part, groups } of text.matchAll(PART)) {
    if (part === '{') open.push(new Set());
    else if (part === '}') open.pop();
    else if (groups?.['colon'] !== undefined) {
      // As it is meant: "a" and "\u0061" are one name.
      const name = String(JSON.parse(part.slice(0, part.lastIndexOf('"') + 1)));
      const names = open.at(-1);
      if (names?.has(name)) return true;
      names?.add(name);
    }
  }
  return false;
}

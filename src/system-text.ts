import { isUtf8 } from 'node:buffer';

/*
 * What the system takes for arguments, variables and paths is bytes. Here they are texts, which
 * is what nearly all of them are. A byte that is no part of UTF-8 is half of a character in such
 * a text, U+DC00 and the byte, as Python has it (PEP 383, "surrogateescape"): no UTF-8 has that,
 * so that each text stands for exactly one row of bytes. Whatever hands texts to the system, or
 * tells them, does so by these functions.
 */

/** The text that stands for some bytes. */
export function textOfBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString();
  let text = '';
  for (let at = 0; at < buffer.length; ) {
    const length = characterLength(buffer[at] ?? 0);
    const character = buffer.subarray(at, at + length);
    if (length > 0 && character.length === length && isUtf8(character)) {
      text += character.toString();
      at += length;
    } else {
      text += String.fromCharCode(0xdc00 + (buffer[at] ?? 0));
      at += 1;
    }
  }
  return text;
}

/** The bytes that a text stands for. */
export function bytesOfText(text: string): Buffer {
  if (isPlain(text)) return Buffer.from(text);
  const characters = Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from(character);
  });
  return Buffer.concat(characters);
}

/** Whether a text is itself: the bytes that it stands for are UTF-8. */
export function isPlain(text: string): boolean {
  return text.isWellFormed();
}

/** A text as people and UTF-8 can have it. What is no part of UTF-8 is lost. */
export function shownText(text: string): string {
  return text.toWellFormed();
}

/** Texts with a NUL after each, as programs in C have rows of them. */
export function terminated(texts: readonly string[]): string {
  return texts.map((text) => `${text}\0`).join('');
}

/** A text for a function of Node.js that takes a path. */
export function pathOfText(text: string): string | Buffer {
  return isPlain(text) ? text : bytesOfText(text);
}

/** How many bytes the first one of a character says that it has; 0: it is none. */
function characterLength(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 3;
  return first < 0xf5 ? 4 : 0;
}

import { textOfBytes } from '../../system-text.ts';

/**
 * A name, or a path of names, as its bytes, each of which is the character of that number (latin1):
 * short in memory, and compared as bytes are.
 */
export type ByteName = string;

/** The bytes themselves. */
export function bytesOfName(name: ByteName): Buffer {
  return Buffer.from(name, 'latin1');
}

/** The text of system-text.ts that stands for it. */
export function textOfName(name: ByteName): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: every byte of ASCII is meant
  return /^[\x00-\x7f]*$/.test(name) ? name : textOfBytes(bytesOfName(name));
}

/** The path of what has a name in a folder. */
export function joinPath(folder: string, name: string): string {
  if (folder === '') return name;
  return folder.endsWith('/') ? folder + name : `${folder}/${name}`;
}

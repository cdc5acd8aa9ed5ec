import { readFileSync, readlinkSync } from 'node:fs';
import { UsageError } from './usage-error.ts';

/** What stands for bytes that are no UTF-8 where Node.js has made a text of them. */
const REPLACEMENT = '\u{FFFD}';

/**
 * Arguments, variables and names of folders are bytes, and those of a process are texts. Those
 * of ours that are none are refused: another file would be meant.
 *
 * @throws UsageError
 */
export function assertArgumentsAreText(argv: readonly string[]): void {
  if (argv.some(isReplaced)) assertText('an argument', () => entries('cmdline'));
}

/** The same of what a process on a server of our own inherits. */
export function assertInheritedIsText(env: NodeJS.ProcessEnv): void {
  if (Object.entries(env).some((entry) => entry.some((text) => isReplaced(text ?? '')))) {
    assertText('a variable', () => entries('environ'));
  }
}

/** The same of our working directory. */
export function assertWorkingFolderIsText(): void {
  assertText('the working directory', () => [readlinkSync('/proc/self/cwd', 'buffer')]);
}

const isReplaced = (text: string): boolean => text.includes(REPLACEMENT);

function entries(file: 'cmdline' | 'environ'): readonly Buffer[] {
  const bytes = readFileSync(`/proc/self/${file}`);
  return bytes
    .toString('latin1')
    .split('\0')
    .map((entry) => Buffer.from(entry, 'latin1'));
}

function assertText(what: string, read: () => readonly Buffer[]): void {
  let all: readonly Buffer[];
  try {
    all = read();
  } catch {
    // Without /proc they cannot be told from a text that has this character.
    return;
  }
  for (const bytes of all) {
    const text = bytes.toString();
    if (!Buffer.from(text).equals(bytes)) throw new UsageError(`${what} is not UTF-8: ${text}`);
  }
}

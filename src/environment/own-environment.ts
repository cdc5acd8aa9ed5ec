import { isUtf8 } from 'node:buffer';
import { readFileSync, readlinkSync } from 'node:fs';
import { textOfBytes } from '../system-text.ts';
import type { Environment } from './env-policy.ts';

/** What stands for bytes that are no UTF-8 where Node.js has made a text of them. */
export const REPLACEMENT = '\u{FFFD}';

/**
 * The variables of this program, those exactly that are not UTF-8, as far as the system tells
 * them: Node.js has changed their values, and cannot look up their names. `further` are more of
 * them that this program was started with, as `NAME=VALUE`.
 */
export function ownEnvironment(
  env: NodeJS.ProcessEnv,
  further: readonly Buffer[] = [],
): Environment {
  const entries = Object.entries(env);
  const own = new Map(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
  for (const variable of [...ownEntries('environ'), ...further]) {
    if (isUtf8(variable)) continue;
    const end = variable.indexOf('=');
    const name = variable.subarray(0, end);
    // One that was changed since is as it was changed.
    if (end > 0 && (!isUtf8(name) || own.get(name.toString())?.includes(REPLACEMENT))) {
      own.set(textOfBytes(name), textOfBytes(variable.subarray(end + 1)));
    }
  }
  return own;
}

/**
 * The working directory of this program, exactly.
 *
 * @throws Error if it was removed
 */
export function ownWorkingDirectory(): string {
  const path = process.cwd();
  if (!path.includes(REPLACEMENT)) return path;
  try {
    return textOfBytes(readlinkSync('/proc/self/cwd', 'buffer'));
  } catch {
    // Without proc(5) it cannot be told from one that has this character.
    return path;
  }
}

/** The entries of a file of proc(5) in which each is followed by a NUL. Empty: there is none. */
export function ownEntries(file: 'cmdline' | 'environ'): readonly Buffer[] {
  try {
    const entries = readFileSync(`/proc/self/${file}`, 'latin1').split('\0').slice(0, -1);
    return entries.map((entry) => Buffer.from(entry, 'latin1'));
  } catch {
    return [];
  }
}

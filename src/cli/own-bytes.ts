import type { Command } from 'commander';
import type { SystemText } from '../client/index.ts';
import type { Environment } from '../environment/env-policy.ts';
import { ownEntries, ownEnvironment, REPLACEMENT } from '../environment/own-environment.ts';
import { bytesOfText, isPlain, shownText, textOfBytes } from '../system-text.ts';
import { droppedVariables } from './started-with.ts';
import { UsageError } from './usage-error.ts';

/*
 * Arguments and variables of this program that are not UTF-8. Node.js puts another character in
 * place of what is not, so that another file would be meant. See `system-text.ts`.
 */

/** The arguments of this program, exactly, as far as the system tells them. */
export function ownArguments(argv: readonly string[]): readonly string[] {
  const given = argv.slice(2);
  if (!given.some((text) => text.includes(REPLACEMENT))) return given;
  // Those of Node.js itself come before.
  const entries = ownEntries('cmdline').slice(-given.length);
  return given.map((text, i) => {
    const bytes = entries[i];
    return bytes === undefined || bytes.toString() !== text ? text : textOfBytes(bytes);
  });
}

/** The variables of this program, as a shell would pass them on. */
export function inheritedVariables(): Environment {
  return ownEnvironment(process.env, droppedVariables(process.env, process.pid));
}

/** What of a command may be other bytes: it is handed on, or is a path. */
const MAY_BE_BYTES: ReadonlySet<string> = new Set([
  'program',
  'cwd',
  'env',
  'envFile',
  'allowRead',
  'allowWrite',
  'deny',
  // Of `cp` and `files`.
  'source',
  'target',
  'path',
]);

/** Whether an option, by the name of its value, may be other bytes than UTF-8. */
export function mayBeBytes(name: string): boolean {
  return MAY_BE_BYTES.has(name);
}

/**
 * Refuses what is not UTF-8 where it is told to a server as text.
 *
 * @throws UsageError
 */
export function assertTexts(command: Command): void {
  for (const [name, value] of Object.entries(command.opts())) {
    if (mayBeBytes(name)) continue;
    const option = command.options.find((each) => each.attributeName() === name);
    assertText(option?.long ?? name, value);
  }
  for (const [i, value] of command.processedArgs.entries()) {
    const name = command.registeredArguments[i]?.name() ?? '';
    if (!mayBeBytes(name)) assertText(name, value);
  }
}

/** A text for the client library. */
export function systemText(text: string): SystemText {
  return isPlain(text) ? text : bytesOfText(text);
}

/**
 * Variables for the client library.
 *
 * @throws UsageError for a name that is not UTF-8
 */
export function systemVariables(env: Environment): Record<string, SystemText> {
  return Object.fromEntries(
    Array.from(env, ([name, value]) => {
      assertText('the name of a variable', name);
      return [name, systemText(value)];
    }),
  );
}

function assertText(what: string, value: unknown): void {
  if (typeof value === 'string') {
    if (!isPlain(value)) throw new UsageError(`${what} is not UTF-8: ${shownText(value)}`);
  } else if (typeof value === 'object' && value !== null) {
    for (const entry of Object.entries(value).flat()) assertText(what, entry);
  }
}

import { setTimeout } from 'node:timers/promises';
import { standardOutput } from './standard-output.ts';

/** How long what was said may take to be taken before it is given up. */
const SAID_MS = 1_000;

let said: Promise<void> = Promise.resolve();

/** Writes a line to standard output; rejects with `EPIPE` if nobody reads it any more. */
export function printLine(text: string): Promise<void> {
  return standardOutput(1).write(Buffer.from(`${text}\n`));
}

/** Writes an object as a line of JSON. */
export function printJson(value: unknown): Promise<void> {
  return printLine(JSON.stringify(value));
}

/** Says something to a person, on standard error. Nothing waits for it but our end. */
export function say(text: string): void {
  sayAsIs(`runlet: ${text}\n`);
}

/** The same for a text that brings its own lines. */
export function sayAsIs(text: string): void {
  // Nobody is left to be told of it if it fails.
  said = standardOutput(2)
    .write(Buffer.from(text))
    .catch(() => {});
}

/** Resolves when all that was said is written, or nobody takes it. */
export async function allSaid(): Promise<void> {
  await Promise.race([said, setTimeout(SAID_MS)]);
}

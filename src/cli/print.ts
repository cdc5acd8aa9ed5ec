import { writeStandardError } from './standard-error.ts';
import { openStandardOutput } from './standard-output.ts';

const stdout = openStandardOutput(1);

/** Writes a line to standard output; rejects with `EPIPE` if nobody reads it any more. */
export function printLine(text: string): Promise<void> {
  return stdout.write(Buffer.from(`${text}\n`));
}

/** Writes an object as a line of JSON. */
export function printJson(value: unknown): Promise<void> {
  return printLine(JSON.stringify(value));
}

/** Says something to a person, on standard error. */
export function say(text: string): void {
  writeStandardError(`runlet: ${text}\n`);
}

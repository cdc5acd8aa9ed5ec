import { isAbsolute } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { formatAddress, parseAddress } from '../address.ts';
import { type SignalName, signalName, signalValue } from '../client/names.ts';

/*
 * How the values of options are read. Each throws commander's error for a value that makes
 * no sense, which commander shows with the name of the option.
 */

/** An address; returned as it is written in full. */
export function addressText(text: string): string {
  try {
    return formatAddress(parseAddress(text));
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

/** An absolute path. */
export function absolutePath(text: string): string {
  if (!isAbsolute(text)) throw new InvalidArgumentError('It is not an absolute path.');
  return text;
}

/** A whole number, 1 or more. */
export function positive(text: string): number {
  const value = wholeNumber(text);
  if (value < 1) throw new InvalidArgumentError('It must be more than 0.');
  return value;
}

/** A whole number, 0 or more. */
export function wholeNumber(text: string): number {
  const value = text === '' ? Number.NaN : Number(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError('It is not a whole number.');
  }
  return value;
}

/** A number of seconds, which need not be whole. */
export function seconds(text: string): number {
  const value = text === '' ? Number.NaN : Number(text);
  // What a timer of Node.js can wait: 2^31 - 1 ms.
  if (!(value >= 0 && value <= 2_147_483)) {
    throw new InvalidArgumentError('It is not a number of seconds from 0 to 2147483.');
  }
  return value;
}

/** A number of seconds that is more than 0. */
export function positiveSeconds(text: string): number {
  const value = seconds(text);
  if (value === 0) throw new InvalidArgumentError('It must be more than 0.');
  return value;
}

/** Text that is not empty, such as an id: a variable of a script that is not set is none. */
export function nonEmpty(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must not be empty.');
  return text;
}

/** A signal: `INT` or `SIGINT`, in either case, or its Linux number. */
export function signal(text: string): SignalName {
  const upper = text.toUpperCase();
  const name = (upper.startsWith('SIG') ? upper : `SIG${upper}`) as SignalName;
  const found = /^\d+$/.test(text) ? signalName(Number(text)) : name;
  try {
    if (found !== undefined && signalValue(found) > 0) return found;
  } catch {
    // It has no such name.
  }
  throw new InvalidArgumentError('It is no signal.');
}

/** Adds the value of an option that may be given again. */
export function collect(text: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, text];
}

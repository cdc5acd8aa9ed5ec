import { isAbsolute } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { formatAddress, parseAddress } from '../address.ts';
import { type SignalName, signalName, signalValue } from '../client/names.ts';
import { sizeBytes, spanMs } from '../quantities.ts';

/*
 * How the values of options are read. Each throws commander's error for a value that makes
 * no sense, which commander shows with the name of the option.
 */

/** An address; returned as it is written in full. */
export function addressText(text: string): string {
  try {
    return formatAddress(parseAddress(text));
  } catch (error) {
    // Which address is said with the name of the option.
    throw new InvalidArgumentError((error as Error).message.replace(`address ${text}: `, ''));
  }
}

/** An absolute path. */
export function absolutePath(text: string): string {
  if (!isAbsolute(text)) throw new InvalidArgumentError('it is not an absolute path');
  return text;
}

/** A whole number, 1 or more. */
export function positive(text: string): number {
  const value = wholeNumber(text);
  if (value < 1) throw new InvalidArgumentError('it must be more than 0');
  return value;
}

/** A whole number, 0 or more, in decimal digits. */
export function wholeNumber(text: string): number {
  // To `Number` a blank is 0.
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw new InvalidArgumentError('it is not a whole number');
  }
  return value;
}

/** The mode of a socket, in octal, with which its user can open it. */
export function socketMode(text: string): number {
  const mode = /^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : 0;
  if ((mode & 0o600) !== 0o600) {
    throw new InvalidArgumentError('it is no mode that lets its user in, such as 0600 or 0660');
  }
  return mode;
}

/** What a timer of Node.js can wait: 2^31 - 1 ms. */
const MAX_SECONDS = 2_147_483;

/**
 * A span of time, in seconds: a number of them, or numbers with units, the largest first
 * (`90`, `1.5s`, `1h30m`, `200ms`).
 */
export function seconds(text: string): number {
  const value = spanMs(text) / 1000;
  if (!(value >= 0 && value <= MAX_SECONDS)) {
    throw new InvalidArgumentError(
      `it is no span of time from 0 to ${MAX_SECONDS} seconds, such as 90, 1.5s, 20m or 1h30m`,
    );
  }
  return value;
}

/** A span of time that is more than 0, in seconds. */
export function positiveSeconds(text: string): number {
  const value = seconds(text);
  if (value === 0) throw new InvalidArgumentError('it must be more than 0');
  return value;
}

/** A number of bytes, 0 or more, as {@link sizeBytes} takes it. */
export function bytes(text: string): number {
  const value = sizeBytes(text);
  if (Number.isNaN(value)) {
    throw new InvalidArgumentError('it is no number of bytes, such as 4096, 64KiB or 1GiB');
  }
  return value;
}

/** A number of bytes that is more than 0. */
export function positiveBytes(text: string): number {
  const value = bytes(text);
  if (value === 0) throw new InvalidArgumentError('it must be more than 0');
  return value;
}

/** Text that is not empty, such as an id: a variable of a script that is not set is none. */
export function nonEmpty(text: string): string {
  if (text === '') throw new InvalidArgumentError('it must not be empty');
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
  throw new InvalidArgumentError('it is no signal, such as INT, SIGINT or 2');
}

/** `NAME=VALUE`. */
export function assignment(text: string): readonly [string, string] {
  const end = text.indexOf('=');
  if (end < 1) throw new InvalidArgumentError('it is not of the form NAME=VALUE');
  return [text.slice(0, end), text.slice(end + 1)];
}

/** Adds a `NAME=VALUE` to those that were given before. */
export function collectAssignment(
  text: string,
  earlier: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [name, value] = assignment(text);
  return { ...earlier, [name]: value };
}

/** Adds a variable, `NAME` or `NAME=VALUE`, to those that were given before. */
export function collectVariable(text: string, earlier: readonly string[] = []): readonly string[] {
  if (/^(?:=|$)/.test(text)) throw new InvalidArgumentError('it names no variable');
  return [...earlier, text];
}

/** Adds the value of an option that may be given again. */
export function collect(text: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, text];
}

/** How the values of an option that takes several are read. */
export interface ListReader {
  /** Reads one. */
  readonly parse: (text: string) => unknown;
  /**
   * What stands between several in one text: an end of a line, or a comma as well, since no value
   * has one. Undefined: the option takes them in one text itself, with commas.
   */
  readonly between: 'lines' | 'commas' | undefined;
}

const LISTS = new WeakMap<object, ListReader>();

/** How the values are read that a function of {@link collected} or {@link joined} reads. */
export function listReader(parseArg: unknown): ListReader | undefined {
  return typeof parseArg === 'function' ? LISTS.get(parseArg) : undefined;
}

/** Reads the values of an option that may be given again: each is added to those before. */
export function collected<T>(
  parse: (text: string) => T,
  between: 'lines' | 'commas' = 'lines',
): (text: string, earlier?: readonly T[]) => readonly T[] {
  const collect = (text: string, earlier: readonly T[] = []): readonly T[] => {
    try {
      return [...earlier, parse(text)];
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
  LISTS.set(collect, { parse, between });
  return collect;
}

/** Reads the values of an option that takes them with commas between. */
export function joined<T>(parse: (text: string) => T): (text: string) => readonly T[] {
  const split = (text: string): readonly T[] => text.split(',').map(parse);
  LISTS.set(split, { parse, between: undefined });
  return split;
}

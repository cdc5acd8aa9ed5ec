import { Readable } from 'node:stream';
import { OptionError } from './client-error.ts';

/** Says what a value should be, if it is not that. Undefined is always right: it is the default. */
export type OptionCheck = (value: unknown) => string | undefined;

/** A check for each option that there is: one without does not compile. */
export type OptionChecks<T> = { readonly [K in keyof Required<T>]: OptionCheck };

/**
 * Refuses options that nobody knows, and those of a wrong type, by their names: a misspelled
 * `timeout` must not pass for none.
 *
 * @throws OptionError
 */
export function checkOptions<T extends object>(
  of: string,
  given: T,
  checks: OptionChecks<T>,
  prefix = '',
): void {
  if (!isRecord(given)) throw new OptionError(of, `the options of ${of} must be an object`);
  for (const [name, value] of Object.entries(given)) {
    const check = Object.hasOwn(checks, name) ? checks[name as keyof T] : undefined;
    const path = `${prefix}${name}`;
    if (check === undefined) {
      const known = Object.keys(checks).join(', ');
      throw new OptionError(path, `${path} is no option of ${of}; there are ${known}`);
    }
    const wanted = value === undefined ? undefined : check(value);
    if (wanted !== undefined) throw new OptionError(path, `${path} must be ${wanted}`);
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kind(wanted: string, fits: (value: unknown) => boolean): OptionCheck {
  return (value) => (fits(value) ? undefined : `${wanted}, not ${describe(value)}`);
}

/** What was given instead, in a few words. */
function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return `'${value.slice(0, 60)}'`;
  if (typeof value === 'object') return 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}

export const isText = kind('a string', (value) => typeof value === 'string');
export const isFlag = kind('true or false', (value) => typeof value === 'boolean');
export const isNumber = kind('a number', (value) => typeof value === 'number');
export const isFunction = kind('a function', (value) => typeof value === 'function');
export const isObject = kind('an object', isRecord);
export const isTexts = kind(
  'a list of strings',
  (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
);
export const isSignal = kind('an AbortSignal', (value) => value instanceof AbortSignal);
export const isTerminal = kind(
  'true, false or an object',
  (value) => typeof value === 'boolean' || isRecord(value),
);
export const isShell = kind(
  'true, false or the path of a shell',
  (value) => typeof value === 'boolean' || (typeof value === 'string' && value !== ''),
);
export const isInput = kind(
  'a string, bytes or a stream',
  (value) => typeof value === 'string' || value instanceof Uint8Array || value instanceof Readable,
);

/** One of some names. */
export function isOneOf(names: readonly string[]): OptionCheck {
  return kind(`one of ${names.join(', ')}`, (value) => names.includes(value as string));
}

/** Anything: it is checked where it is used. */
export const isChecked: OptionCheck = () => undefined;

import { Readable } from 'node:stream';
import { MAX_ID_BYTES } from '../limits.ts';
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

/** Whether a value is a text that has a form in UTF-8. */
function isWellFormed(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed();
}

/** Whether a value can have options. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
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
export const isSystemText = kind(
  'a string or bytes',
  (value) => typeof value === 'string' || value instanceof Uint8Array,
);
export const isFlag = kind('true or false', (value) => typeof value === 'boolean');
export const isNumber = kind('a number', (value) => typeof value === 'number');
export const isTime = kind(
  'a time in milliseconds',
  (value) => typeof value === 'number' && value >= 0,
);
/** The longest that a timer of Node.js can wait, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;
export const isTimer = kind(
  `a time in milliseconds from 1 to ${MAX_TIMER_MS}`,
  (value) => typeof value === 'number' && value >= 1 && value <= MAX_TIMER_MS,
);
export const isBound = kind(
  'a number that is not negative',
  (value) => typeof value === 'number' && value >= 0,
);
export const isFunction = kind('a function', (value) => typeof value === 'function');
export const isObject = kind('an object', isRecord);
export const isTexts = kind(
  'a list of strings',
  (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
);
export const isLabels = kind(
  'an object of strings',
  (value) => isRecord(value) && Object.entries(value).flat().every(isWellFormed),
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

export const isId = kind(
  `a string of 1 to ${MAX_ID_BYTES} bytes`,
  (value) => isWellFormed(value) && value !== '' && Buffer.byteLength(value) <= MAX_ID_BYTES,
);

/** A whole number within bounds. */
export function isWhole(least: number, most: number): OptionCheck {
  return kind(
    `a whole number from ${least} to ${most}`,
    (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
  );
}

/** One of some names. */
export function isOneOf(names: readonly string[]): OptionCheck {
  return kind(`one of ${names.join(', ')}`, (value) => names.includes(value as string));
}

/** The last moment of the year 9999, beyond which times have no usual form. */
const LAST_DATE_MS = 253_402_300_799_999;
export const isDate = kind(
  'a Date from 1970 to 9999',
  (value) => value instanceof Date && value.getTime() >= 0 && value.getTime() <= LAST_DATE_MS,
);

/** Anything: it is checked where it is used. */
export const isChecked: OptionCheck = () => undefined;

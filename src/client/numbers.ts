import { type Duration, durationFromMs } from '@bufbuild/protobuf/wkt';
import { OptionError } from './client-error.ts';

/*
 * Numbers of a program that go into requests: what is wrong is refused by name, before
 * anything is sent.
 */

/** A whole number that is not negative, and not beyond `most`. */
export function wholeNumber(name: string, value: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new OptionError(name, `${name} must be a whole number from 0 to ${most}, not ${value}`);
}

/** The same, as the protos have it where it may be large. */
export function wholeBigInt(name: string, value: number): bigint {
  return BigInt(wholeNumber(name, value));
}

/** A time in milliseconds that is not negative; what is less than a microsecond is left out. */
export function duration(name: string, ms: number): Duration {
  if (!(ms >= 0 && ms <= Number.MAX_SAFE_INTEGER)) {
    throw new OptionError(name, `${name} must be a time in milliseconds, not ${ms}`);
  }
  return durationFromMs(Math.round(ms * 1000) / 1000);
}

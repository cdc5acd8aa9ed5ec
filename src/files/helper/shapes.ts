/* What values from another process have to be: sizes and shapes, and nothing about what they mean. */

/** Whether a value has a shape. */
export type Shape = (value: unknown) => boolean;

/** A text. */
export const text: Shape = (value) => typeof value === 'string';

/** Nothing. */
export const nothing: Shape = (value) => value === undefined;

/** A truth value. */
export const flag: Shape = (value) => typeof value === 'boolean';

/** Bytes. */
export const bytes: Shape = (value) => value instanceof Uint8Array;

/** A whole number from 0 to this. */
export function upTo(maximum: number): Shape {
  return (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maximum;
}

/** A whole number. */
export const count: Shape = upTo(Number.MAX_SAFE_INTEGER);

/** A whole number of 64 bits, from 0. */
export const long: Shape = (value) => typeof value === 'bigint' && value >= 0n && value < 2n ** 64n;

const MAX_NS = 253_402_300_800n * 1_000_000_000n;

/** A time in nanoseconds, as messages can tell it. */
export const nanoseconds: Shape = (value) =>
  typeof value === 'bigint' && value > -MAX_NS / 4n && value < MAX_NS;

/** One of some texts. */
export function oneOf(...texts: readonly unknown[]): Shape {
  return (value) => texts.includes(value);
}

/** Any of these. */
export function either(...shapes: readonly Shape[]): Shape {
  return (value) => shapes.some((shape) => shape(value));
}

/** Of one list: several times what any operation tells at once. A million gaps are short in a message. */
const MAX_ITEMS = 65_536;

/** A list. */
export function listOf(shape: Shape): Shape {
  // Of what is not there in a list with gaps `every` says nothing.
  return (value) =>
    Array.isArray(value) &&
    value.length <= MAX_ITEMS &&
    Array.from<unknown>(value).every((item) => shape(item));
}

/** An object with these members, each of its shape. */
export function having(members: Readonly<Record<string, Shape>>): Shape {
  const all = Object.entries(members);
  return (value) =>
    typeof value === 'object' &&
    value !== null &&
    all.every(([name, shape]) => shape(Reflect.get(value, name)));
}

/** An object whose members, whatever they are called, all have this shape. */
export function recordOf(shape: Shape): Shape {
  return (value) =>
    typeof value === 'object' && value !== null && Object.values(value).every(shape);
}

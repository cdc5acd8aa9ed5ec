import { HOUR, KIB, MIB, MINUTE, SECOND } from './units.ts';

/* How people write spans of time and numbers of bytes. */

/** Milliseconds of what may follow the number of a span. */
const SPAN_UNITS = { ms: 1, s: SECOND, m: MINUTE, min: MINUTE, h: HOUR, d: 24 * HOUR } as const;

/**
 * Milliseconds of a span of time: a number of seconds, or numbers with units, the largest first
 * (`90`, `1.5s`, `1h30m`, `200ms`). NaN: it is none.
 */
export function spanMs(text: string): number {
  if (/^\d*\.?\d+$/.test(text)) return Number(text) * SECOND;
  if (!/^(?:\d*\.?\d+(?:ms|s|min|m|h|d))+$/.test(text)) return Number.NaN;
  let sum = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const [, number, unit] of text.matchAll(/(\d*\.?\d+)(ms|s|min|m|h|d)/g)) {
    const length = SPAN_UNITS[unit as keyof typeof SPAN_UNITS];
    if (length >= least) return Number.NaN;
    least = length;
    sum += Number(number) * length;
  }
  return sum;
}

/** Bytes of what may follow a number of them. A lone letter means what it does to `dd` and docker. */
const SIZE_UNITS = {
  '': 1,
  b: 1,
  k: KIB,
  kib: KIB,
  kb: 1_000,
  m: MIB,
  mib: MIB,
  mb: 1_000_000,
  g: 1024 * MIB,
  gib: 1024 * MIB,
  gb: 1_000_000_000,
  t: 1024 * 1024 * MIB,
  tib: 1024 * 1024 * MIB,
  tb: 1_000_000_000_000,
} as const;

/** A number of bytes, with or without a unit: `4096`, `64KiB`, `1.5g`, `10MB`. NaN: it is none. */
export function sizeBytes(text: string): number {
  const [, number, unit = ''] = /^(\d*\.?\d+)([a-z]*)$/i.exec(text) ?? [];
  const factor: number | undefined = Object.hasOwn(SIZE_UNITS, unit.toLowerCase())
    ? SIZE_UNITS[unit.toLowerCase() as keyof typeof SIZE_UNITS]
    : undefined;
  const value = Number(number) * (factor ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

/** A number of bytes for people: `512 B`, `1.5 KiB`, `64 MiB`. */
export function sizeText(bytes: number): string {
  let [value, unit] = [bytes, 'B'];
  for (const larger of ['KiB', 'MiB', 'GiB', 'TiB', 'PiB']) {
    // What would be rounded to 1024 is one of the next.
    if (value < 1023.5) break;
    [value, unit] = [value / 1024, larger];
  }
  return `${unit === 'B' || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${unit}`;
}

import { TarError } from './tar-format.ts';

/** What the records of a pax header say, by their keywords. Bytes, as everything here. */
export type PaxRecords = ReadonlyMap<string, string>;

/** The keywords that are of interest. Owners' names are not: numbers are the same everywhere. */
const KEYWORDS: ReadonlySet<string> = new Set(['path', 'linkpath', 'size', 'mtime', 'uid', 'gid']);
/** Of GNU tar: where the content of a file belongs that has holes. */
export const SPARSE = 'GNU.sparse.';

/**
 * Reads the records of a pax header: each is its own length, a space, `keyword=value` and a newline.
 *
 * @throws TarError
 */
export function parseRecords(bytes: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const digits = bytes.toString('latin1', at, Math.min(space, at + MAX_DIGITS));
    const end = at + Number(digits);
    if (space < 0 || !/^[0-9]+$/.test(digits) || end > bytes.length || bytes[end - 1] !== 0x0a) {
      throw new TarError('a pax header has a record that is none');
    }
    const equals = bytes.indexOf(0x3d, space);
    if (equals < 0 || equals >= end)
      throw new TarError('a pax header has a record without a value');
    const keyword = bytes.toString('latin1', space + 1, equals);
    if (KEYWORDS.has(keyword)) records.set(keyword, bytes.toString('latin1', equals + 1, end - 1));
    else if (keyword.startsWith(SPARSE)) records.set(SPARSE, '1');
    at = end;
  }
  return records;
}

/** More than any length has. */
const MAX_DIGITS = 20;

/** A record, which counts its own length, too. */
export function recordOf(keyword: string, value: string): string {
  const rest = keyword.length + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length += 1;
  return `${length} ${keyword}=${value}\n`;
}

/** A time as records have it: `-1.5` is half a second before the last one before 1970. */
export function parseTime(text: string): { readonly seconds: number; readonly nanos: number } {
  const found = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text);
  if (found === null) throw new TarError('a pax header has a time that is none');
  const [, sign, whole = '', fraction = ''] = found;
  const seconds = Number(whole);
  const nanos = Number(fraction.slice(0, 9).padEnd(9, '0'));
  if (sign === '') return { seconds, nanos };
  return nanos === 0
    ? { seconds: 0 - seconds, nanos }
    : { seconds: -1 - seconds, nanos: 1e9 - nanos };
}

/** The same the other way. */
export function timeText(seconds: number, nanos: number): string {
  if (seconds >= 0) return `${seconds}${fractionText(nanos)}`;
  return nanos === 0 ? `${seconds}` : `-${-1 - seconds}${fractionText(1e9 - nanos)}`;
}

function fractionText(nanos: number): string {
  return nanos === 0 ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`;
}

/** A number as records have it. @throws TarError */
export function parseWhole(text: string): number {
  const value = Number(text);
  if (!/^-?\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) {
    throw new TarError('a pax header has a number that is none, or too large');
  }
  return value;
}

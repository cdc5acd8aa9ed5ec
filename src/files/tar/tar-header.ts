import { BLOCK_BYTES, checksumOf, FIELDS, MAGIC_AT, TarError, TYPE_AT } from './tar-format.ts';

/** A header as it is in an archive, before what other records say of it. */
export interface TarHeader {
  /** One character. */
  readonly type: string;
  readonly path: string;
  readonly linkPath: string;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
}

/**
 * Reads a header, at the start of a buffer; undefined: it is all zeros, which ends an archive.
 *
 * @throws TarError
 */
export function parseHeader(block: Buffer): TarHeader | undefined {
  const sum = checksumOf(block);
  if (sum === EMPTY_SUM && isEmpty(block)) return undefined;
  const expected = numberIn(block, FIELDS.checksum);
  if (expected !== sum && expected !== checksumOf(block, true)) {
    throw new TarError('a header has a wrong checksum');
  }
  const name = textIn(block, FIELDS.name);
  // GNU tar has other things where POSIX has the prefix, and another magic.
  const prefix =
    block.toString('latin1', MAGIC_AT, MAGIC_AT + 6) === 'ustar\0' ? FIELDS.prefix : undefined;
  const before = prefix === undefined ? '' : textIn(block, prefix);
  return {
    type: String.fromCharCode(block[TYPE_AT] ?? 0),
    path: before === '' ? name : `${before}/${name}`,
    linkPath: textIn(block, FIELDS.linkName),
    size: numberIn(block, FIELDS.size),
    mode: numberIn(block, FIELDS.mode) & 0o7777,
    uid: numberIn(block, FIELDS.uid),
    gid: numberIn(block, FIELDS.gid),
    mtimeSeconds: numberIn(block, FIELDS.mtime),
  };
}

/** The checksum of a block of zeros. */
const EMPTY_SUM = FIELDS.checksum[1] * 0x20;

function isEmpty(block: Buffer): boolean {
  for (let at = 0; at < BLOCK_BYTES; at++) if (block[at] !== 0) return false;
  return true;
}

function textIn(block: Buffer, [at, length]: readonly [number, number]): string {
  let end = at;
  while (end < at + length && block[end] !== 0) end += 1;
  return block.toString('latin1', at, end);
}

/** Octal digits between spaces and NULs or, by the first bit, a number of GNU tar. */
function numberIn(block: Buffer, field: readonly [number, number]): number {
  const [start, length] = field;
  if (((block[start] ?? 0) & 0x80) !== 0) return binaryIn(block, field);
  let at = start;
  const end = start + length;
  while (at < end && block[at] === 0x20) at += 1;
  let value = 0;
  for (; at < end; at++) {
    const byte = block[at] ?? 0;
    if (byte === 0 || byte === 0x20) break;
    if (byte < 0x30 || byte > 0x37) throw new TarError('a header has a number that is none');
    value = value * 8 + (byte - 0x30);
  }
  return value;
}

/** In two's complement, all bits but the first. */
function binaryIn(block: Buffer, [start, length]: readonly [number, number]): number {
  const negative = ((block[start] ?? 0) & 0x40) !== 0;
  const flip = negative ? 0xff : 0;
  let value = ((block[start] ?? 0) ^ flip) & 0x7f;
  for (let at = start + 1; at < start + length; at++) {
    value = value * 0x100 + ((block[at] ?? 0) ^ flip);
    if (value >= Number.MAX_SAFE_INTEGER)
      throw new TarError('a header has a number that is too large');
  }
  return negative ? -1 - value : value;
}

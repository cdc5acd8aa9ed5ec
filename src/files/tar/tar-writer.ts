import { isUtf8 } from 'node:buffer';
import { recordOf, timeText } from './pax-records.ts';
import {
  BLOCK_BYTES,
  checksumOf,
  FIELDS,
  paddingOf,
  type TarKind,
  type TarMember,
  TYPE_AT,
} from './tar-format.ts';

/** What ends an archive. */
export const ARCHIVE_END_BYTES = 2 * BLOCK_BYTES;

/** The types of members, as headers have them. */
const TYPES: Readonly<Record<Exclude<TarKind, 'other'>, string>> = {
  file: '0',
  folder: '5',
  symlink: '2',
  'hard-link': '1',
};

/** What is written: everything has a place in an archive. */
export type WrittenMember = TarMember & { readonly kind: Exclude<TarKind, 'other'> };

/**
 * The headers of a member: one block, behind one with records where that has no place for all.
 * Programs that know no pax headers find in it what fits.
 */
export function headersOf(member: WrittenMember): Buffer {
  const records = recordsOf(member);
  if (records === '') {
    const header = zeros(BLOCK_BYTES);
    writeHeader(header, TYPES[member.kind], member);
    return header;
  }
  const bytes = records.length;
  const headers = zeros(2 * BLOCK_BYTES + bytes + paddingOf(bytes));
  writeHeader(headers, 'x', { ...member, path: RECORDS_NAME, linkPath: '', size: bytes });
  headers.write(records, BLOCK_BYTES, 'latin1');
  writeHeader(headers.subarray(headers.length - BLOCK_BYTES), TYPES[member.kind], member);
  return headers;
}

/** The name of what is only about the next member: where it is taken for a file. */
const RECORDS_NAME = 'PaxHeaders/member';

/** What the fields of a header cannot hold, or not exactly. */
function recordsOf(member: WrittenMember): string {
  const { gid, linkPath, mtimeNanos, mtimeSeconds, path, size, uid } = member;
  let records = '';
  if (!fitsPath(path)) records += recordOf('path', path);
  if (!fits(linkPath, FIELDS.linkName)) records += recordOf('linkpath', linkPath);
  // Records are UTF-8 where they do not say that they are not.
  if (records !== '' && !(isText(path) && isText(linkPath))) {
    records = recordOf('hdrcharset', 'BINARY') + records;
  }
  if (mtimeNanos !== 0 || !isOctal(mtimeSeconds, FIELDS.mtime)) {
    records += recordOf('mtime', timeText(mtimeSeconds, mtimeNanos));
  }
  if (!isOctal(size, FIELDS.size)) records += recordOf('size', `${size}`);
  if (!isOctal(uid, FIELDS.uid)) records += recordOf('uid', `${uid}`);
  if (!isOctal(gid, FIELDS.gid)) records += recordOf('gid', `${gid}`);
  return records;
}

/** Memory that small headers share, which is faster than some of their own. */
function zeros(bytes: number): Buffer {
  return Buffer.allocUnsafe(bytes).fill(0);
}

/** Writes one block, which is zeros. Its fields are next to each other, and one text. */
function writeHeader(block: Buffer, type: string, member: TarMember): void {
  const { gid, linkPath, mode, mtimeSeconds, size, uid } = member;
  const { name, prefix } = splitPath(member.path);
  const head =
    padded(name, FIELDS.name) +
    octal(mode, FIELDS.mode) +
    octal(uid, FIELDS.uid) +
    octal(gid, FIELDS.gid) +
    octal(size, FIELDS.size) +
    octal(mtimeSeconds, FIELDS.mtime);
  block.write(head, 0, 'latin1');
  block.write(`${type}${padded(linkPath, FIELDS.linkName)}ustar\x0000`, TYPE_AT, 'latin1');
  if (prefix !== '') block.write(prefix, ...FIELDS.prefix, 'latin1');
  const [at, length] = FIELDS.checksum;
  const sum = checksumOf(block)
    .toString(8)
    .padStart(length - 2, '0');
  block.write(`${sum}\0 `, at, 'latin1');
}

type Field = readonly [at: number, length: number];

function padded(text: string, [, length]: Field): string {
  return text.length >= length ? text.slice(0, length) : text.padEnd(length, '\0');
}

/** Digits and a NUL. */
function octal(value: number, field: Field): string {
  const [, length] = field;
  return `${(isOctal(value, field) ? value : 0).toString(8).padStart(length - 1, '0')}\0`;
}

/** Whether the digits of a number, and a NUL, have place in a field. */
function isOctal(value: number, [, length]: Field): boolean {
  return value >= 0 && value < 8 ** (length - 1);
}

/** ASCII, so that nobody can read it in another way. */
function fits(text: string, [, length]: Field): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: bytes, of which these are ASCII
  return text.length <= length && /^[\x00-\x7f]*$/.test(text);
}

function fitsPath(path: string): boolean {
  if (fits(path, FIELDS.name)) return true;
  const { name, prefix } = splitPath(path);
  return prefix !== '' && fits(name, FIELDS.name) && fits(prefix, FIELDS.prefix);
}

/** A path in two fields with a slash between them; cut where it does not fit. */
function splitPath(path: string): { readonly name: string; readonly prefix: string } {
  const [, nameLength] = FIELDS.name;
  const [, prefixLength] = FIELDS.prefix;
  if (path.length > nameLength) {
    const slash = path.indexOf('/', path.length - nameLength - 1);
    if (slash > 0 && slash <= prefixLength && slash < path.length - 1) {
      return { name: path.slice(slash + 1), prefix: path.slice(0, slash) };
    }
  }
  return { name: path, prefix: '' };
}

function isText(bytes: string): boolean {
  return isUtf8(Buffer.from(bytes, 'latin1'));
}

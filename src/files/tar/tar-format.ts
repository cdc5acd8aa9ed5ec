/*
 * tar archives, as buffers and no streams: POSIX.1-2017, pax, "ustar Interchange Format" and "pax
 * Interchange Format", and what GNU tar has beside. Names are bytes: here texts of which each
 * character is one of them (`latin1`), since they are cut and compared, and hardly ever shown.
 */

/** Bytes that headers and contents are multiples of. */
export const BLOCK_BYTES = 512;

/** What a member of an archive is; `other`: what has no place in one here, a device for example. */
export type TarKind = 'file' | 'folder' | 'symlink' | 'hard-link' | 'other';

/** A member of an archive, without its content. */
export interface TarMember {
  readonly kind: TarKind;
  /** As it is in the archive. */
  readonly path: string;
  /** Where a link leads; of a hard link the path of another member. */
  readonly linkPath: string;
  /** Bytes of the file, at most Number.MAX_SAFE_INTEGER. 0: of everything else. */
  readonly size: number;
  /** Permission bits, at most 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** When its content was changed last: seconds since 1970, and nanoseconds after them. */
  readonly mtimeSeconds: number;
  readonly mtimeNanos: number;
}

/** What is no archive, and why. */
export class TarError extends Error {}

/** Where the fields of a header are, and how long: POSIX, `struct posix_header`. */
export const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  linkName: [157, 100],
  prefix: [345, 155],
} as const satisfies Readonly<Record<string, readonly [at: number, length: number]>>;

export const TYPE_AT = 156;
export const MAGIC_AT = 257;

/** The sum of a header's bytes, its own field taken for spaces. GNU tar: some had signed bytes. */
export function checksumOf(header: Uint8Array, signed = false): number {
  const [at, length] = FIELDS.checksum;
  let sum = length * 0x20;
  for (let index = 0; index < BLOCK_BYTES; index++) {
    if (index === at) index += length;
    const byte = header[index] ?? 0;
    sum += signed && byte > 0x7f ? byte - 0x100 : byte;
  }
  return sum;
}

/** Zeros after so many bytes of content, up to the next block. */
export function paddingOf(bytes: number): number {
  return (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

import type { BigIntStats } from 'node:fs';

/** What a file is. */
export type FileKind =
  | 'regular'
  | 'directory'
  | 'symlink'
  | 'fifo'
  | 'socket'
  | 'character-device'
  | 'block-device';

/** A file as it was when it was looked at. Texts are those of system-text.ts; it can be cloned. */
export interface FileInfo {
  readonly path: string;
  readonly kind: FileKind;
  readonly size: bigint;
  /** Permission bits, at most 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Names by the user database; empty: it has none. */
  readonly owner: string;
  readonly group: string;
  /** Nanoseconds since 1970. */
  readonly modifyNs: bigint;
  readonly changeNs: bigint;
  readonly accessNs: bigint;
  /** Undefined: the file system does not say. */
  readonly birthNs: bigint | undefined;
  /** Of a link. */
  readonly linkTarget: string | undefined;
  readonly linkCount: bigint;
  readonly version: string;
}

/** The kind of a file. */
export function kindOf(stats: BigIntStats): FileKind {
  if (stats.isFile()) return 'regular';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  return stats.isCharacterDevice() ? 'character-device' : 'block-device';
}

/**
 * Differs once content or identity may have changed: every change of content sets the time of
 * change, inode(7), as exactly as the file system keeps it.
 */
export function versionOf({ ctimeNs, dev, ino, mtimeNs, size }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].map((part) => part.toString(36)).join('.');
}

import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import type { File as FileMessage } from '../../gen/runlet/v1/file_pb.ts';
import { RunletClientError } from '../client-error.ts';
import { FILE_KINDS, type FileKindName } from '../names.ts';
import type { SystemText } from '../process-spec.ts';

/** A file as it was when the server looked at it. */
export interface FileInfo {
  /** Its path; with U+FFFD for what is not UTF-8. */
  readonly path: string;
  /** The bytes of its path, where they are not UTF-8. */
  readonly rawPath: Uint8Array | undefined;
  readonly kind: FileKindName;
  /** Bytes that it has; of a link, of its target's path. */
  readonly size: number;
  /** Permission bits with set-user-ID, set-group-ID and sticky: 0 to 0o7777. */
  readonly mode: number;
  /** The numbers of its owner and group. */
  readonly uid: number;
  readonly gid: number;
  /** Their names on the server's machine; undefined: they have none. */
  readonly owner: string | undefined;
  readonly group: string | undefined;
  /** When its content was changed last. */
  readonly modifyTime: Date;
  /** The same in nanoseconds since 1970, as exactly as the file system keeps it. */
  readonly modifyTimeNs: bigint;
  /** When it was changed in any way. */
  readonly changeTime: Date;
  /** When it was read last, as far as the file system keeps that. */
  readonly accessTime: Date;
  /** When it was made; undefined: the file system does not say. */
  readonly createTime: Date | undefined;
  /** Where a link leads, as it is written in it; undefined: it is none. */
  readonly linkTarget: string | undefined;
  /** The bytes of that, where they are not UTF-8. */
  readonly rawLinkTarget: Uint8Array | undefined;
  /** Names that it has. */
  readonly linkCount: number;
  /** Differs once its content or identity may have changed; to be compared for equality alone. */
  readonly version: string;
}

/** A file, of its message. @internal */
export function fileInfo(message: FileMessage | undefined): FileInfo {
  const kind = message && FILE_KINDS.name(message.kind);
  if (message === undefined || kind === undefined) {
    throw new RunletClientError('PROTOCOL', 'the server did not say what a file is');
  }
  const isLink = kind === 'symlink';
  return {
    path: message.path,
    rawPath: bytesIn(message.rawPath),
    kind,
    size: Number(message.size),
    mode: message.mode,
    uid: message.uid,
    gid: message.gid,
    owner: message.owner || undefined,
    group: message.group || undefined,
    modifyTime: dateOf(message.modifyTime),
    modifyTimeNs: nsOf(message.modifyTime),
    changeTime: dateOf(message.changeTime),
    accessTime: dateOf(message.accessTime),
    createTime: message.createTime && timestampDate(message.createTime),
    linkTarget: isLink ? message.linkTarget : undefined,
    rawLinkTarget: isLink ? bytesIn(message.rawLinkTarget) : undefined,
    linkCount: Number(message.linkCount),
    version: message.version,
  };
}

/** Bytes; undefined where there are none. @internal */
export function bytesIn(bytes: Uint8Array): Uint8Array | undefined {
  return bytes.length === 0 ? undefined : bytes;
}

/** The path of something as it can be given to a call. @internal */
export function pathOf({ path, rawPath }: Pick<FileInfo, 'path' | 'rawPath'>): SystemText {
  return rawPath ?? path;
}

const NS_PER_SECOND = 1_000_000_000n;

/** A moment in nanoseconds since 1970, which may be before it, as the protos have it. @internal */
export function timestampOfNs(ns: bigint): { readonly seconds: bigint; readonly nanos: number } {
  const nanos = ((ns % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  return { seconds: (ns - nanos) / NS_PER_SECOND, nanos: Number(nanos) };
}

function nsOf(time: Timestamp | undefined): bigint {
  return time === undefined ? 0n : time.seconds * NS_PER_SECOND + BigInt(time.nanos);
}

function dateOf(time: Timestamp | undefined): Date {
  return time === undefined ? new Date(0) : timestampDate(time);
}

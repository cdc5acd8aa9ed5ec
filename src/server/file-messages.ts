import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { FileFailureDetail, Reason } from '../errors.ts';
import type { FileInfo } from '../files/file-info.ts';
import type { FileFailureSchema } from '../gen/runlet/v1/error_pb.ts';
import { type File, FileKind, FileSchema } from '../gen/runlet/v1/file_pb.ts';
import { bytesOfText, isPlain, shownText } from '../system-text.ts';

/* Files as clients see them. */

const KINDS: Readonly<Record<FileInfo['kind'], FileKind>> = {
  regular: FileKind.REGULAR,
  directory: FileKind.DIRECTORY,
  symlink: FileKind.SYMLINK,
  fifo: FileKind.FIFO,
  socket: FileKind.SOCKET,
  'character-device': FileKind.CHARACTER_DEVICE,
  'block-device': FileKind.BLOCK_DEVICE,
};

/** A file as it was when it was looked at. */
export function fileMessage(info: FileInfo): File {
  const { birthNs, linkTarget = '', path } = info;
  return create(FileSchema, {
    path: shownText(path),
    kind: KINDS[info.kind],
    size: info.size,
    mode: info.mode,
    uid: info.uid,
    gid: info.gid,
    owner: info.owner,
    group: info.group,
    modifyTime: timestampOfNs(info.modifyNs),
    changeTime: timestampOfNs(info.changeNs),
    accessTime: timestampOfNs(info.accessNs),
    linkTarget: shownText(linkTarget),
    linkCount: info.linkCount,
    version: info.version,
    ...(isPlain(path) ? {} : { rawPath: bytesOfText(path) }),
    ...(isPlain(linkTarget) ? {} : { rawLinkTarget: bytesOfText(linkTarget) }),
    ...(birthNs === undefined ? {} : { createTime: timestampOfNs(birthNs) }),
  });
}

/** What failed of a file, and why. */
export function fileFailureMessage(
  reason: Reason,
  { entries, errnoName, message, operation, path }: FileFailureDetail,
): MessageInitShape<typeof FileFailureSchema> {
  return {
    operation,
    path: shownText(path),
    ...(isPlain(path) ? {} : { rawPath: bytesOfText(path) }),
    errnoName,
    message,
    reason,
    entries: BigInt(entries),
  };
}

const NS_PER_SECOND = 1_000_000_000n;

/** Nanoseconds since 1970, which may be before it. */
function timestampOfNs(ns: bigint): Pick<Timestamp, '$typeName' | 'nanos' | 'seconds'> {
  const nanos = ((ns % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  return {
    $typeName: 'google.protobuf.Timestamp',
    seconds: (ns - nanos) / NS_PER_SECOND,
    nanos: Number(nanos),
  };
}

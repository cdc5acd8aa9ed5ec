import type { FileInfo } from '../client/index.ts';
import { octalText } from './mode-text.ts';

/** A file as `--json` prints it. What is not there, or not known, is null. */
export function fileLine(file: FileInfo): Record<string, unknown> {
  return {
    path: file.path,
    rawPath: base64(file.rawPath),
    kind: file.kind,
    size: file.size,
    mode: octalText(file.mode),
    uid: file.uid,
    gid: file.gid,
    owner: file.owner,
    group: file.group,
    modifyTime: file.modifyTime.toISOString(),
    changeTime: file.changeTime.toISOString(),
    accessTime: file.accessTime.toISOString(),
    createTime: file.createTime?.toISOString() ?? null,
    linkTarget: file.linkTarget ?? null,
    rawLinkTarget: base64(file.rawLinkTarget),
    linkCount: file.linkCount,
    version: file.version,
  };
}

/** Bytes as lines of JSON have them. */
export function base64(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : Buffer.from(bytes).toString('base64');
}

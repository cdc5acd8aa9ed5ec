import type { CallContext } from '../../../bridge/call-context.ts';
import { methodPath } from '../../../bridge/types.ts';
import { FileService } from '../../../gen/runlet/v1/file_pb.ts';
import { shownText, textOfBytes } from '../../../system-text.ts';
import { CHANGED_FILES } from '../../audit-calls.ts';
import { needsOf } from '../../method-grants.ts';

/** The files that a request names. */
export interface NamedFiles {
  readonly path?: string;
  readonly rawPath?: Uint8Array;
  readonly targetPath?: string;
  readonly rawTargetPath?: Uint8Array;
}

/** The paths of the methods that change files, as those do that take more than `files:read`. */
const CHANGING: ReadonlySet<string> = new Set(
  FileService.methods.filter((method) => !needsOf(method).includes('files:read')).map(methodPath),
);

/** Has the audit tell which files a call changes, if it does. */
export function noteChangedFiles(
  { path, rawPath, rawTargetPath, targetPath }: NamedFiles,
  context: CallContext,
): void {
  if (!CHANGING.has(context.method)) return;
  const target = shown(targetPath, rawTargetPath);
  const files = shown(path, rawPath);
  context.set(CHANGED_FILES, target === '' ? files : `${files} -> ${target}`);
}

/** A path for people. */
function shown(text = '', bytes: Uint8Array | undefined): string {
  return text === '' && bytes !== undefined ? shownText(textOfBytes(bytes)) : text;
}

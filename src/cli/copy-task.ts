import type { Copied } from './copy-progress.ts';
import type { Files } from './each-file.ts';
import { namingFile } from './file-words.ts';
import { quotedName } from './human-text.ts';
import { LocalFileError } from './local-file-error.ts';
import { systemText } from './own-bytes.ts';
import { parentOf } from './remote-path.ts';

/** What every copy is made with. */
export interface CopyTask {
  readonly files: Files;
  /** Whether folders are copied. */
  readonly recursive: boolean;
  /** Whether folders on the way to the target are made. */
  readonly parents: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (copied: Copied) => void;
}

/** Stands for a standard stream. */
export const STANDARD_STREAM = '-';

/** Makes the folder of the server that a path is in, and those on the way. */
export async function makeParents(path: string, { files, signal }: CopyTask): Promise<void> {
  const folder = parentOf(path);
  const making = files.makeDirectory(systemText(folder), { parents: true, signal });
  await namingFile('make folder', folder, making);
}

/** What is said of a folder that is to be copied without `--recursive`. */
export function folderError(name: string): LocalFileError {
  return new LocalFileError(`cannot copy ${quotedName(name)}: it is a folder, which takes -r`);
}

/** Passes on pieces, and tells how many bytes they had. */
export async function* counted(
  pieces: AsyncIterable<Uint8Array>,
  { onProgress }: CopyTask,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of pieces) {
    yield piece;
    bytes += piece.byteLength;
    onProgress({ bytes });
  }
}

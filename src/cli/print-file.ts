import type { Files } from './each-file.ts';
import { namingFile } from './file-words.ts';
import { systemText } from './own-bytes.ts';
import { standardOutput } from './standard-output.ts';

/** Writes what is in a file of the server to standard output, no faster than that is read. */
export async function printFile(
  files: Files,
  name: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const pieces = files.read(systemText(path), { signal })[Symbol.asyncIterator]();
  try {
    for (;;) {
      // What fails of standard output is not about the file.
      const next = await namingFile('read', name, pieces.next());
      if (next.done === true) return;
      await standardOutput(1).write(next.value);
    }
  } finally {
    await pieces.return?.();
  }
}

import { type FileHandle, open } from 'node:fs/promises';
import { pathOfText } from '../system-text.ts';
import { quotedName } from './human-text.ts';
import { LocalFileError } from './local-file-error.ts';
import { systemReason } from './system-reason.ts';

/** Where something is written to. */
export interface Output {
  readonly isTerminal: boolean;
  /** Resolves when all of it is taken. */
  write(data: Uint8Array): Promise<void>;
  /** All of it was written, which may be nothing: then there is an empty file. */
  end(): Promise<void>;
  /** Leaves it as it is. Idempotent. */
  close(): Promise<void>;
}

/** A file that is made, or emptied, with the first that is written. */
export function fileOutput(name: string): Output {
  let file: FileHandle | undefined;
  const trying = async <T>(acting: () => Promise<T>): Promise<T> => {
    try {
      return await acting();
    } catch (error) {
      const reason = systemReason(error as NodeJS.ErrnoException);
      throw new LocalFileError(`cannot write ${quotedName(name)}: ${reason}`, error);
    }
  };
  const opening = async (): Promise<FileHandle> => {
    file ??= await trying(() => open(pathOfText(name), 'w'));
    return file;
  };
  return {
    isTerminal: false,
    async write(data) {
      const opened = await opening();
      for (let rest = data; rest.byteLength > 0; ) {
        const { bytesWritten } = await trying(() => opened.write(rest));
        rest = rest.subarray(bytesWritten);
      }
    },
    async end() {
      await opening();
    },
    async close() {
      const opened = file;
      file = undefined;
      if (opened !== undefined) await trying(() => opened.close());
    },
  };
}

import type { CopyArgs } from '../../../files/agent/copy.ts';
import type { FileInfo } from '../../../files/file-info.ts';
import { rememberedRequests } from '../../../files/remembered-requests.ts';
import type { FileOperations } from '../../../files/workers/file-operations.ts';
import type { Asker } from '../../../turn-queue.ts';
import { fileMessage } from '../../file-messages.ts';
import { parseOptionalId } from '../../requests/fields.ts';
import { enterFiles, type FileMethods, type FileServiceOptions, parsePath } from './file-calls.ts';

/** `CopyFile`. */
export function copyFile(options: FileServiceOptions): FileMethods<'copyFile'> {
  return {
    async copyFile(request, context) {
      const path = parsePath('path', request.path, request.rawPath);
      const targetPath = parsePath('target_path', request.targetPath, request.rawTargetPath);
      const requestId = parseOptionalId('request_id', request.requestId);
      const { asker, files, session, sandbox } = enterFiles(options, request, context);
      const { recursive, replace } = request;
      const { signal } = context;
      const about = ['CopyFile', path, targetPath, recursive, replace, sandbox];
      const args = { path, targetPath, recursive, replace };
      const info = await rememberedRequests(session).once({ requestId, about, signal }, () =>
        copy(files, asker, args, signal),
      );
      return { file: fileMessage(info) };
    },
  };
}

/** Copies. Where the call is over before, the operation is told so, and goes on until nothing is left of it. */
async function copy(
  files: FileOperations,
  asker: Asker,
  args: CopyArgs,
  signal: AbortSignal,
): Promise<FileInfo> {
  signal.throwIfAborted();
  const task = files.begin(asker, 'copy', args);
  try {
    let step = await task.next();
    while (!step.done) {
      step = await task.next(signal.aborted ? 'abandon' : undefined);
    }
    return step.result;
  } finally {
    task.close();
  }
}

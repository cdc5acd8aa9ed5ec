import type { CopyArgs } from '../../../files/agent/copy.ts';
import type { FileInfo } from '../../../files/file-info.ts';
import { rememberedRequests } from '../../../files/remembered-requests.ts';
import type { FileWorkers } from '../../../files/workers/file-workers.ts';
import type { Asker } from '../../../turn-queue.ts';
import { fileMessage } from '../../file-messages.ts';
import { parseOptionalId } from '../../requests/fields.ts';
import { enterFiles, type FileMethods, type FileServiceOptions, parsePath } from './file-calls.ts';

/** `CopyFile`. */
export function copyFile(options: FileServiceOptions): FileMethods<'copyFile'> {
  const { workers } = options;
  return {
    async copyFile(request, context) {
      const path = parsePath('path', request.path, request.rawPath);
      const targetPath = parsePath('target_path', request.targetPath, request.rawTargetPath);
      const requestId = parseOptionalId('request_id', request.requestId);
      const { asker, session } = enterFiles(options, request, context);
      const { recursive, replace } = request;
      const { signal } = context;
      const about = ['CopyFile', path, targetPath, recursive, replace];
      const args = { path, targetPath, recursive, replace };
      const info = await rememberedRequests(session).once({ requestId, about, signal }, () =>
        copy(workers, asker, args, signal),
      );
      return { file: fileMessage(info) };
    },
  };
}

/** Copies. Where the call is over before, the operation is told so, and goes on until nothing is left of it. */
async function copy(
  workers: FileWorkers,
  asker: Asker,
  args: CopyArgs,
  signal: AbortSignal,
): Promise<FileInfo> {
  signal.throwIfAborted();
  const task = workers.begin(asker, 'copy', args);
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

import { EncodedMessage } from '../../../bridge/encoded-message.ts';
import type { Response } from '../../../bridge/types.ts';
import type { ReadFileArgs } from '../../../files/agent/read-file.ts';
import type { FileOperations } from '../../../files/workers/file-operations.ts';
import { ReadFileResponseSchema } from '../../../gen/runlet/v1/file_pb.ts';
import { FILE_PIECE_BYTES } from '../../../limits.ts';
import type { Asker } from '../../../turn-queue.ts';
import { fileMessage } from '../../file-messages.ts';
import { withHeartbeats } from '../../heartbeats.ts';
import { enterFiles, type FileMethods, type FileServiceOptions, parsePath } from './file-calls.ts';

type ReadResponse = Response<typeof ReadFileResponseSchema>;

/** `ReadFile`. */
export function readFile(options: FileServiceOptions): FileMethods<'readFile'> {
  const { clock, limits } = options;
  return {
    async *readFile(request, context) {
      const { ifVersion, length, offset } = request;
      const path = parsePath('path', request.path, request.rawPath);
      const { asker, files } = enterFiles(options, request, context);
      context.sendHeaders();
      const args = { path, offset, length, ifVersion };
      const source = responses(files, asker, args, (cleanup) => context.defer(cleanup));
      yield* withHeartbeats(source, {}, limits.heartbeatMs, clock);
    },
  };
}

/** The messages of a file. While one is sent the next is read, and the memory of that before is used again. */
async function* responses(
  files: FileOperations,
  asker: Asker,
  args: ReadFileArgs,
  defer: (cleanup: () => void) => void,
): AsyncGenerator<ReadResponse> {
  const task = files.begin(asker, 'readFile', args);
  // Also where the thread does not come back.
  defer(() => task.close());
  let step = await task.next();
  let spare: Uint8Array | undefined;
  while (!step.done) {
    const next = task.next(spare);
    // It is looked at when this one is sent.
    next.catch(() => {});
    const { piece } = step;
    if (piece?.kind === 'file') {
      yield { response: { case: 'file', value: fileMessage(piece.file) } };
    } else if (piece !== undefined) {
      yield new EncodedMessage(ReadFileResponseSchema, piece.bytes);
      // The bridge has copied it when it asks for the next.
      spare = piece.bytes.buffer.byteLength < FILE_PIECE_BYTES ? undefined : wholeOf(piece.bytes);
    }
    step = await next;
  }
  const { bytes, sha256 } = step.result;
  yield { response: { case: 'end', value: { bytes, sha256 } } };
}

/** All of the memory that some bytes are a part of. */
function wholeOf({ buffer }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer);
}

import { EncodedMessage } from '../../../bridge/encoded-message.ts';
import type { Response } from '../../../bridge/types.ts';
import { RunletError } from '../../../errors.ts';
import type { ReadTreeArgs } from '../../../files/agent/read-tree.ts';
import type { FileWorkers } from '../../../files/workers/file-workers.ts';
import { ReadTreeResponseSchema } from '../../../gen/runlet/v1/file_pb.ts';
import type { Asker } from '../../../turn-queue.ts';
import { withHeartbeats } from '../../heartbeats.ts';
import { enterFiles, type FileMethods, type FileServiceOptions, parsePath } from './file-calls.ts';

/** `ReadTree` and `WriteTree`. */
export function trees(options: FileServiceOptions): FileMethods<'readTree' | 'writeTree'> {
  const { clock, limits, workers } = options;
  return {
    async *readTree(request, context) {
      const path = parsePath('path', request.path, request.rawPath);
      const { asker } = enterFiles(options, request, context);
      context.sendHeaders();
      const source = archive(workers, asker, { path }, (cleanup) => context.defer(cleanup));
      yield* withHeartbeats(source, {}, limits.heartbeatMs, clock);
    },

    writeTree() {
      throw new RunletError('INTERNAL');
    },
  };
}

/** The messages of an archive. While one is sent the next is read, into the memory of that before. */
async function* archive(
  workers: FileWorkers,
  asker: Asker,
  args: ReadTreeArgs,
  defer: (cleanup: () => void) => void,
): AsyncGenerator<Response<typeof ReadTreeResponseSchema>> {
  const task = workers.begin(asker, 'readTree', args);
  // Also where the thread does not come back.
  defer(() => task.close());
  let step = await task.next();
  let spare: Uint8Array | undefined;
  while (!step.done) {
    const next = task.next(spare);
    // It is looked at when this one is sent.
    next.catch(() => {});
    spare = undefined;
    const { piece } = step;
    if (piece !== undefined) {
      yield new EncodedMessage(ReadTreeResponseSchema, piece);
      // The bridge has copied it when it asks for the next.
      spare = new Uint8Array(piece.buffer);
    }
    step = await next;
  }
  yield { end: true };
}

import { EncodedMessage } from '../../../bridge/encoded-message.ts';
import type { Response } from '../../../bridge/types.ts';
import { RunletError } from '../../../errors.ts';
import type { ReadTreeArgs } from '../../../files/agent/read-tree.ts';
import type {
  WriteTreeInput,
  WriteTreePiece,
  WriteTreeResult,
} from '../../../files/agent/write-tree.ts';
import { closeFence, openFence } from '../../../files/fence.ts';
import { rememberedRequests } from '../../../files/remembered-requests.ts';
import type { FileOperations } from '../../../files/workers/file-operations.ts';
import type { Steps } from '../../../files/workers/task.ts';
import { ReadTreeResponseSchema } from '../../../gen/runlet/v1/file_pb.ts';
import type { Asker } from '../../../turn-queue.ts';
import { withHeartbeats } from '../../heartbeats.ts';
import { parseOptionalId } from '../../requests/fields.ts';
import { enterFiles, type FileMethods, type FileServiceOptions, parsePath } from './file-calls.ts';
import { parseGlobs } from './parse-globs.ts';
import { TreeRequests } from './tree-requests.ts';

/** `ReadTree` and `WriteTree`. */
export function trees(options: FileServiceOptions): FileMethods<'readTree' | 'writeTree'> {
  const { clock, limits } = options;
  return {
    async *readTree(request, context) {
      const args = {
        path: parsePath('path', request.path, request.rawPath),
        include: parseGlobs('include', request.include),
        exclude: parseGlobs('exclude', request.exclude),
      };
      const { asker, files } = enterFiles(options, request, context);
      context.sendHeaders();
      const source = archive(files, asker, args, (cleanup) => context.defer(cleanup));
      yield* withHeartbeats(source, {}, limits.heartbeatMs, clock);
    },

    async writeTree(requests, context) {
      context.sendHeaders();
      const source = new TreeRequests(requests, context.signal);
      try {
        const open = await source.open();
        const { replace } = open;
        const path = parsePath('open.path', open.path, open.rawPath);
        const requestId = parseOptionalId('open.request_id', open.requestId);
        const { asker, files, session, sandbox } = enterFiles(
          options,
          open,
          context,
          'open.sandbox',
        );
        const { signal } = context;
        const call = { requestId, about: ['WriteTree', path, replace, sandbox], signal };
        return await rememberedRequests(session).once(call, async () => {
          const fence = openFence();
          // Also while the thread is at work, where nothing else would reach it in time.
          context.defer(() => closeFence(fence));
          const task = files.begin(asker, 'writeTree', { path, replace, fence });
          const { bytes, entries } = await unpack(task, source, signal);
          return { bytes: BigInt(bytes), entries: BigInt(entries) };
        });
      } finally {
        source.close();
      }
    },
  };
}

/** The messages of an archive. While one is sent the next is read, into the memory of that before. */
async function* archive(
  files: FileOperations,
  asker: Asker,
  args: ReadTreeArgs,
  defer: (cleanup: () => void) => void,
): AsyncGenerator<Response<typeof ReadTreeResponseSchema>> {
  const task = files.begin(asker, 'readTree', args);
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

/**
 * Unpacks what comes. Where the call is over before, the operation is told so, and goes on until
 * nothing is left of it.
 */
async function unpack(
  task: Steps<WriteTreePiece, WriteTreeResult, WriteTreeInput>,
  source: TreeRequests,
  signal: AbortSignal,
): Promise<WriteTreeResult> {
  try {
    let step = await task.next();
    while (!step.done) {
      const turn = signal.aborted ? 'abandon' : undefined;
      step = await task.next(step.piece === 'wants-more' ? await source.next() : turn);
    }
    return step.result;
  } catch (error) {
    throw source.error ?? withField(error);
  }
}

/** What is no archive is a request that is wrong in itself. */
function withField(error: unknown): unknown {
  if (!(error instanceof RunletError) || error.reason !== 'INVALID_REQUEST') return error;
  const { details, message, reason } = error;
  const field = details.fileFailure?.errnoName === '' ? 'data' : 'open.path';
  return new RunletError(reason, { ...details, violations: [{ field, description: message }] });
}

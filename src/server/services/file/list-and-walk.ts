import type { ListingPiece } from '../../../files/agent/listing.ts';
import { MAX_WALK_ENTRIES } from '../../../limits.ts';
import { fileFailureMessage, fileMessage } from '../../file-messages.ts';
import { withHeartbeats } from '../../heartbeats.ts';
import { enterFiles, type FileMethods, type FileServiceOptions, parsePath } from './file-calls.ts';
import { parseGlobs } from './parse-globs.ts';
import { taskPieces } from './task-pieces.ts';

/** `ListDirectory` and `WalkDirectory`. */
export function listAndWalk(
  options: FileServiceOptions,
): FileMethods<'listDirectory' | 'walkDirectory'> {
  const { clock, limits } = options;
  return {
    async *listDirectory(request, context) {
      const path = parsePath('path', request.path, request.rawPath);
      const { asker, files } = enterFiles(options, request, context);
      context.sendHeaders();
      const task = files.begin(asker, 'listDirectory', { path });
      const messages = taskPieces(task, context, listingMessage);
      yield* withHeartbeats(messages, {}, limits.heartbeatMs, clock);
    },

    async *walkDirectory(request, context) {
      const { followSymlinks, maxDepth, maxEntries } = request;
      const args = {
        path: parsePath('path', request.path, request.rawPath),
        maxDepth: maxDepth === 0 ? Number.POSITIVE_INFINITY : maxDepth,
        maxEntries: parseMaxEntries(maxEntries),
        include: parseGlobs('include', request.include),
        exclude: parseGlobs('exclude', request.exclude),
        followSymlinks,
      };
      const { asker, files } = enterFiles(options, request, context);
      context.sendHeaders();
      async function* messages() {
        const task = files.begin(asker, 'walkDirectory', args);
        const { entries, truncated } = yield* taskPieces(task, context, listingMessage);
        yield { summary: { entries: BigInt(entries), truncated } };
      }
      yield* withHeartbeats(messages(), {}, limits.heartbeatMs, clock);
    },
  };
}

function listingMessage({ failures, files }: ListingPiece) {
  return {
    files: files.map(fileMessage),
    failures: failures.map(({ failure, reason }) => fileFailureMessage(reason, failure)),
  };
}

/** As for pages of lists, one who asks for more gets the most; the summary says so. */
function parseMaxEntries(maxEntries: bigint): number {
  const wanted = maxEntries === 0n ? BigInt(MAX_WALK_ENTRIES) : maxEntries;
  return wanted > MAX_WALK_ENTRIES ? MAX_WALK_ENTRIES : Number(wanted);
}

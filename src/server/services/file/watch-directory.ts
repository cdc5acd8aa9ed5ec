import { idleClock } from '../../../clock.ts';
import type { Change, WatchMessage } from '../../../files/watch/watch-message.ts';
import { Watches } from '../../../files/watch/watches.ts';
import { ChangeKind } from '../../../gen/runlet/v1/file_pb.ts';
import { bytesOfText, isPlain, shownText } from '../../../system-text.ts';
import { withHeartbeats } from '../../heartbeats.ts';
import { enterFiles, type FileMethods, type FileServiceOptions, parsePath } from './file-calls.ts';

const KINDS: Readonly<Record<Change['kind'], ChangeKind>> = {
  created: ChangeKind.CREATED,
  modified: ChangeKind.MODIFIED,
  removed: ChangeKind.REMOVED,
  moved: ChangeKind.MOVED,
  attributes: ChangeKind.ATTRIBUTES,
};

/** `WatchDirectory`. */
export function watchDirectory(options: FileServiceOptions): FileMethods<'watchDirectory'> {
  const { clock, limits } = options;
  // The time of the machine, as for all that waits for its files.
  const watches = new Watches({ clock: idleClock });
  return {
    async *watchDirectory(request, context) {
      const path = parsePath('path', request.path, request.rawPath);
      const { asker, files, sandbox } = enterFiles(options, request, context);
      const { recursive } = request;
      context.sendHeaders();
      const { close, watch } = watches.open({ asker, files, path, recursive, sandbox });
      context.defer(close);
      async function* messages() {
        for await (const message of watch.messages()) yield watchMessage(message);
      }
      yield* withHeartbeats(messages(), {}, limits.heartbeatMs, clock);
    },
  };
}

function watchMessage(message: WatchMessage) {
  if (message.kind === 'changes') {
    const value = { changes: message.changes.map(changeMessage) };
    return { response: { case: 'changes' as const, value } };
  }
  return { response: { case: message.kind, value: {} } };
}

function changeMessage({ from, kind, path }: Change) {
  return {
    kind: KINDS[kind],
    path: shownText(path),
    ...(isPlain(path) ? {} : { rawPath: bytesOfText(path) }),
    ...(from === undefined ? {} : { fromPath: shownText(from) }),
    ...(from === undefined || isPlain(from) ? {} : { rawFromPath: bytesOfText(from) }),
  };
}

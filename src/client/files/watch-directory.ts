import type { FileChange as FileChangeMessage } from '../../gen/runlet/v1/file_pb.ts';
import type { CallTarget } from '../call-attempts.ts';
import { ConnectionError } from '../errors.ts';
import { CHANGE_KINDS, type ChangeKindName } from '../names.ts';
import type { SystemText } from '../process-spec.ts';
import type { FileCalls } from './file-calls.ts';
import { bytesIn, pathOf } from './file-info.ts';
import type { WatchOptions } from './file-options.ts';
import { pathFields } from './remote-path.ts';

/** Something that happened to a file. */
export interface FileChange {
  readonly kind: ChangeKindName;
  /** The file; with U+FFFD for what is not UTF-8. */
  readonly path: string;
  /** The bytes of its path, where they are not UTF-8. */
  readonly rawPath: Uint8Array | undefined;
  /** Where it was before; undefined: it was not moved. */
  readonly fromPath: string | undefined;
  /** The bytes of that, where they are not UTF-8. */
  readonly rawFromPath: Uint8Array | undefined;
}

/** Changes were missed: what was known of the folder is to be read again. */
export interface FilesMissed {
  readonly kind: 'overflow';
}

/** What is told of a watched folder. */
export type WatchEvent = FileChange | FilesMissed;

/** That it is watched from now on. */
type Watched = WatchEvent | { readonly kind: 'started' };

/**
 * What changes in a folder, over as many connections as it takes: first `started`; where a
 * connection broke `overflow` comes once it is watched again.
 *
 * @internal
 */
export async function* watchDirectory(
  calls: FileCalls,
  path: SystemText,
  { recursive = false, signal }: WatchOptions,
): AsyncGenerator<Watched> {
  const request = { ...pathFields('path', path), recursive };
  let isStarted = false;
  yield* calls.stream(signal, async function* ({ generation, ids, options }: CallTarget) {
    const responses = generation.output.files.watchDirectory({ ...ids, ...request }, options);
    for await (const { response } of calls.messages(responses)) {
      if (response.case === 'changes') {
        for (const message of response.value.changes) {
          const change = fileChange(message);
          yield change;
          // Its own end is the last that happens to it.
          if (change?.kind === 'removed' && isSame(change, path)) return;
        }
      } else if (response.case === 'overflow') yield { kind: 'overflow' } as const;
      else if (response.case === 'started') {
        yield { kind: isStarted ? 'overflow' : 'started' } as const;
        isStarted = true;
      } else yield undefined;
    }
    throw new ConnectionError('the stream of changes ended', false);
  });
}

/** A change; undefined: of a kind that this version does not know. */
function fileChange(change: FileChangeMessage): FileChange | undefined {
  const kind = CHANGE_KINDS.name(change.kind);
  if (kind === undefined) return undefined;
  const rawFromPath = bytesIn(change.rawFromPath);
  return {
    kind,
    path: change.path,
    rawPath: bytesIn(change.rawPath),
    fromPath: change.fromPath || undefined,
    rawFromPath,
  };
}

function isSame(change: FileChange, path: SystemText): boolean {
  const [one, other] = [pathOf(change), path].map((given) => Buffer.from(given as Uint8Array));
  return one !== undefined && other !== undefined && withoutEnd(one).equals(withoutEnd(other));
}

/** A path without the slashes that end it. */
function withoutEnd(path: Buffer): Buffer {
  let end = path.length;
  while (end > 1 && path[end - 1] === 0x2f) end -= 1;
  return path.subarray(0, end);
}

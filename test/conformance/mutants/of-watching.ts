import { create } from '@bufbuild/protobuf';
import {
  ChangeKind,
  type FileChange,
  WatchDirectoryResponseSchema,
} from '../../../src/gen/runlet/v1/file_pb.ts';
import { onRequests } from './hooks.ts';
import { reasonOf } from './hooks-of-files.ts';
import type { Mutant } from './mutant.ts';
import type { Services } from './services.ts';

/** Changes what is told of folders that are watched: each change becomes several, or none. */
function onChanges(
  real: Services,
  change: (change: FileChange, watched: string) => readonly FileChange[],
): Services {
  return {
    ...real,
    async *watchDirectory(request, context) {
      const watched = request.path;
      for await (const message of real.watchDirectory(request, context)) {
        const { response } = message;
        if (response.case === 'changes') {
          const { changes } = response.value;
          response.value.changes = changes.flatMap((each) => [...change(each, watched)]);
        }
        yield message;
      }
    },
  };
}

const without = (real: Services, kind: ChangeKind): Services =>
  onChanges(real, (change) => (change.kind === kind ? [] : [change]));

/** Watching folders. */
export const ofWatching: readonly Mutant[] = [
  {
    fault: 'what is written is not told',
    fails: ['FWATCH-01'],
    mutate: (real) => without(real, ChangeKind.MODIFIED),
  },
  {
    fault: 'what is moved is told as removed and made',
    fails: ['FWATCH-02', 'FWATCH-08'],
    mutate: (real) =>
      onChanges(real, (change) => {
        const { fromPath, kind, rawFromPath } = change;
        if (kind !== ChangeKind.MOVED) return [change];
        const moved = { ...change, fromPath: '', rawFromPath: new Uint8Array() };
        return [
          { ...moved, kind: ChangeKind.REMOVED, path: fromPath, rawPath: rawFromPath },
          { ...moved, kind: ChangeKind.CREATED },
        ];
      }),
  },
  {
    fault: 'what is made is told as written',
    fails: ['FWATCH-01', 'FWATCH-03', 'FWATCH-05', 'FWATCH-06'],
    mutate: (real) =>
      onChanges(real, (change) => {
        const { CREATED, MODIFIED } = ChangeKind;
        return [change.kind === CREATED ? { ...change, kind: MODIFIED } : change];
      }),
  },
  {
    fault: 'a change of a mode is not told',
    fails: ['FWATCH-04'],
    mutate: (real) => without(real, ChangeKind.ATTRIBUTES),
  },
  {
    fault: 'folders below are never watched',
    fails: ['FWATCH-05'],
    mutate: (real) =>
      onRequests(real, ['watchDirectory'], (request) => {
        request.recursive = false;
      }),
  },
  {
    fault: 'folders below are always watched',
    fails: ['FWATCH-06'],
    mutate: (real) =>
      onRequests(real, ['watchDirectory'], (request) => {
        request.recursive = true;
      }),
  },
  {
    fault: 'the end of a watched folder is not told',
    fails: ['FWATCH-07'],
    mutate: (real) =>
      onChanges(real, (change, watched) => (change.path === watched ? [] : [change])),
  },
  {
    fault: 'what changes is told as text alone',
    fails: ['FWATCH-08'],
    mutate: (real) =>
      onChanges(real, (change) => [
        { ...change, rawPath: new Uint8Array(), rawFromPath: new Uint8Array() },
      ]),
  },
  {
    fault: 'a file is watched as a folder in which nothing happens',
    fails: ['FWATCH-09'],
    mutate: (real) => ({
      ...real,
      async *watchDirectory(request, context) {
        try {
          yield* real.watchDirectory(request, context);
        } catch (error) {
          if (reasonOf(error) !== 'NOT_A_DIRECTORY') throw error;
          const response = { case: 'started', value: {} } as const;
          yield create(WatchDirectoryResponseSchema, { response });
        }
      },
    }),
  },
  {
    fault: 'a stream of changes has no heartbeats',
    fails: ['FWATCH-10'],
    mutate: (real) => ({
      ...real,
      async *watchDirectory(request, context) {
        for await (const message of real.watchDirectory(request, context)) {
          if (message.response.case !== undefined) yield message;
        }
      },
    }),
  },
];

import type { File } from '../../../src/gen/runlet/v1/file_pb.ts';
import { onRequests, onResponses } from './hooks.ts';
import { reasonOf } from './hooks-of-files.ts';
import type { Mutant } from './mutant.ts';

/** Listing and walking folders. */
export const ofFolders: readonly Mutant[] = [
  {
    fault: 'what begins with a dot is not listed',
    fails: ['FOLDER-01'],
    mutate: (real) =>
      onResponses(real, ['listDirectory'], (response) => {
        response.files = response.files.filter(({ path }) => !path.includes('/.'));
      }),
  },
  {
    fault: 'a listing has a thousand files at most',
    fails: ['FOLDER-02'],
    mutate: (real) => ({
      ...real,
      async *listDirectory(request, context) {
        let left = 1_000;
        for await (const message of real.listDirectory(request, context)) {
          message.files = message.files.slice(0, left);
          left -= message.files.length;
          yield message;
        }
      },
    }),
  },
  {
    fault: 'what is no folder has nothing in it',
    fails: ['FOLDER-03'],
    mutate: (real) => ({
      ...real,
      async *listDirectory(request, context) {
        try {
          yield* real.listDirectory(request, context);
        } catch (error) {
          if (reasonOf(error) !== 'NOT_A_DIRECTORY') throw error;
        }
      },
    }),
  },
  {
    fault: 'a walk goes depth first',
    fails: ['FOLDER-04', 'FOLDER-05', 'FOLDER-07', 'FOLDER-08', 'FOLDER-09'],
    mutate: (real) => ({
      ...real,
      async *walkDirectory(request, context) {
        // All of it at once: where it is divided, its pieces may be in order by chance.
        const files: File[] = [];
        for await (const message of real.walkDirectory(request, context)) {
          files.push(...message.files.splice(0));
          if (message.summary !== undefined) {
            message.files = files.sort((a, b) => (a.path < b.path ? -1 : 1));
          }
          yield message;
        }
      },
    }),
  },
  {
    fault: 'a walk goes to any depth',
    fails: ['FOLDER-05'],
    mutate: (real) =>
      onRequests(real, ['walkDirectory'], (request) => {
        request.maxDepth = 0;
      }),
  },
  {
    fault: 'a walk never says that there is more',
    fails: ['FOLDER-06'],
    mutate: (real) =>
      onResponses(real, ['walkDirectory'], ({ summary }) => {
        if (summary !== undefined) summary.truncated = false;
      }),
  },
  {
    fault: '`**` matches as `*` does',
    fails: ['FOLDER-07'],
    mutate: (real) =>
      onRequests(real, ['walkDirectory'], (request) => {
        request.include = request.include.map((glob) => glob.replaceAll('**', '*'));
      }),
  },
  {
    fault: 'nothing is left out of a walk',
    fails: ['FOLDER-08'],
    mutate: (real) =>
      onRequests(real, ['walkDirectory'], (request) => {
        request.exclude = [];
      }),
  },
  {
    fault: 'a walk follows no links',
    fails: ['FOLDER-09'],
    mutate: (real) =>
      onRequests(real, ['walkDirectory'], (request) => {
        request.followSymlinks = false;
      }),
  },
  {
    fault: 'a walk follows all links',
    fails: ['FOLDER-10'],
    mutate: (real) =>
      onRequests(real, ['walkDirectory'], (request) => {
        request.followSymlinks = true;
      }),
  },
];

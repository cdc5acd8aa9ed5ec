import { create } from '@bufbuild/protobuf';
import {
  FileKind,
  SetFileAttributesRequestSchema,
  WalkDirectoryRequestSchema,
  WriteTreeRequestSchema,
} from '../../../src/gen/runlet/v1/file_pb.ts';
import { onRequests, onResponses } from './hooks.ts';
import { finished, onTreeOpens, reasonOf, retold } from './hooks-of-files.ts';
import type { Mutant } from './mutant.ts';

const FINISH = create(WriteTreeRequestSchema, { request: { case: 'finish', value: {} } });

/** Folders as archives. */
export const ofTrees: readonly Mutant[] = [
  {
    fault: 'what is unpacked has a mode of 0644',
    fails: ['TREE-01'],
    mutate: (real) => ({
      ...real,
      async writeTree(requests, context) {
        let [sessionId, path] = ['', ''];
        async function* seen(): typeof requests {
          for await (const message of requests) {
            if (message.request.case === 'open') ({ path, sessionId } = message.request.value);
            yield message;
          }
        }
        const response = await real.writeTree(seen(), context);
        const walk = create(WalkDirectoryRequestSchema, { sessionId, path });
        for await (const { files } of real.walkDirectory(walk, context)) {
          for (const file of files) {
            if (file.kind !== FileKind.REGULAR) continue;
            const change = { sessionId, path: file.path, mode: 0o644 };
            await real.setFileAttributes(create(SetFileAttributesRequestSchema, change), context);
          }
        }
        return response;
      },
    }),
  },
  {
    fault: 'links are left out of an archive',
    fails: ['TREE-01', 'TREE-02'],
    mutate: (real) =>
      onRequests(real, ['readTree'], ({ exclude }) => {
        exclude.push('**/link');
      }),
  },
  {
    fault: 'an archive has all that is in a folder, whatever is to match',
    fails: ['TREE-03'],
    mutate: (real) =>
      onRequests(real, ['readTree'], (request) => {
        request.include = [];
      }),
  },
  {
    fault: 'a FIFO in a folder fails as something else',
    fails: ['TREE-04'],
    mutate: (real) => retold(real, ['readTree'], 'NOT_A_REGULAR_FILE'),
  },
  {
    fault: 'a member that would be elsewhere fails as something else',
    fails: ['TREE-05', 'TREE-12'],
    mutate: (real) => retold(real, ['writeTree'], 'OUTSIDE_ROOT', 'INVALID_REQUEST'),
  },
  {
    fault: 'what is unpacked always replaces what is there',
    fails: ['TREE-06'],
    mutate: (real) =>
      onTreeOpens(real, (open) => {
        open.replace = true;
      }),
  },
  {
    fault: 'a member that is there already fails as something else',
    fails: ['TREE-06', 'TREE-07'],
    mutate: (real) => retold(real, ['writeTree'], 'FILE_EXISTS', 'FILE_FAILED'),
  },
  {
    fault: 'the end of a stream that unpacks is `finish`',
    fails: ['TREE-08'],
    mutate: (real) => ({
      ...real,
      writeTree: (requests, context) => real.writeTree(finished(requests, FINISH), context),
    }),
  },
  {
    fault: 'what is no archive has no members',
    fails: ['TREE-09'],
    mutate: (real) => ({
      ...real,
      async writeTree(requests, context) {
        try {
          return await real.writeTree(requests, context);
        } catch (error) {
          if (reasonOf(error) !== 'INVALID_REQUEST') throw error;
          return { $typeName: 'runlet.v1.WriteTreeResponse', entries: 0n, bytes: 0n };
        }
      },
    }),
  },
  {
    fault: 'the end of an archive is counted as a member',
    fails: ['TREE-10'],
    mutate: (real) =>
      onResponses(real, ['writeTree'], (response) => {
        response.entries += 1n;
      }),
  },
  {
    fault: 'an archive that is sent again is unpacked again',
    fails: ['TREE-11'],
    mutate: (real) =>
      onTreeOpens(real, (open) => {
        open.requestId = '';
      }),
  },
  {
    fault: 'a member that is of no kind for archives fails as something else',
    fails: ['TREE-04', 'TREE-12'],
    mutate: (real) => retold(real, ['writeTree'], 'NOT_A_REGULAR_FILE', 'FILE_FAILED'),
  },
];

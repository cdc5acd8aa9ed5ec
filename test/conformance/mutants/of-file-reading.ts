import { createHash } from 'node:crypto';
import { RunletError } from '../../../src/errors.ts';
import { FileKind, type ReadFileResponse } from '../../../src/gen/runlet/v1/file_pb.ts';
import { onRequests, onResponses } from './hooks.ts';
import { reasonOf, retold } from './hooks-of-files.ts';
import type { Mutant } from './mutant.ts';

const OF_NOTHING = createHash('sha256').digest();

function endAfter(bytes: bigint): ReadFileResponse {
  return {
    $typeName: 'runlet.v1.ReadFileResponse',
    response: {
      case: 'end',
      value: { $typeName: 'runlet.v1.ReadFileEnd', bytes, sha256: OF_NOTHING },
    },
  };
}

/** Reading files. */
export const ofFileReading: readonly Mutant[] = [
  {
    fault: 'the hash of what was read is that of nothing',
    fails: ['FREAD-01', 'FREAD-02', 'FREAD-03'],
    mutate: (real) =>
      onResponses(real, ['readFile'], ({ response }) => {
        if (response.case === 'end') response.value.sha256 = OF_NOTHING;
      }),
  },
  {
    fault: 'no piece of a file says where it belongs',
    fails: ['FREAD-02', 'FREAD-03'],
    mutate: (real) =>
      onResponses(real, ['readFile'], ({ response }) => {
        if (response.case === 'data') response.value.offset = 0n;
      }),
  },
  {
    fault: 'a file is always read to its end',
    fails: ['FREAD-03'],
    mutate: (real) =>
      onRequests(real, ['readFile'], (request) => {
        delete request.length;
      }),
  },
  {
    fault: 'to read beyond the end of a file is an error',
    fails: ['FREAD-04'],
    mutate: (real) => ({
      ...real,
      async *readFile(request, context) {
        for await (const message of real.readFile(request, context)) {
          const { response } = message;
          if (response.case === 'file' && request.offset > response.value.size) {
            throw new RunletError('INVALID_REQUEST');
          }
          yield message;
        }
      },
    }),
  },
  {
    fault: 'a file is read whatever its version',
    fails: ['FREAD-05'],
    mutate: (real) =>
      onRequests(real, ['readFile'], (request) => {
        request.ifVersion = '';
      }),
  },
  {
    fault: 'to read a folder fails as to read a FIFO does',
    fails: ['FREAD-06'],
    mutate: (real) => retold(real, ['readFile'], 'IS_A_DIRECTORY', 'NOT_A_REGULAR_FILE'),
  },
  {
    fault: 'a FIFO that is to be read fails as something else',
    fails: ['FREAD-07'],
    mutate: (real) => retold(real, ['readFile'], 'NOT_A_REGULAR_FILE'),
  },
  {
    fault: 'links are not read',
    fails: ['FREAD-08'],
    mutate: (real) => ({
      ...real,
      async *readFile(request, context) {
        const { attachmentId, path, rawPath, sessionId } = request;
        const about = { attachmentId, path, rawPath, sessionId, noFollow: true } as const;
        const asked = { $typeName: 'runlet.v1.StatFileRequest', ...about } as const;
        const { file } = await real.statFile(asked, context);
        if (file?.kind === FileKind.SYMLINK) throw new RunletError('NOT_A_REGULAR_FILE');
        yield* real.readFile(request, context);
      },
    }),
  },
  {
    fault: 'a file that says it has no size is taken for empty',
    fails: ['FREAD-09'],
    mutate: (real) => ({
      ...real,
      async *readFile(request, context) {
        for await (const message of real.readFile(request, context)) {
          yield message;
          const { response } = message;
          if (response.case !== 'file' || response.value.size > 0n) continue;
          yield endAfter(0n);
          return;
        }
      },
    }),
  },
  {
    fault: 'a file that was cut while it was read ends there',
    fails: ['FREAD-10'],
    mutate: (real) => ({
      ...real,
      async *readFile(request, context) {
        try {
          yield* real.readFile(request, context);
        } catch (error) {
          if (reasonOf(error) !== 'FILE_CHANGED') throw error;
          yield endAfter(0n);
        }
      },
    }),
  },
  {
    fault: 'the size of a file that is read is that of its pages',
    fails: ['FREAD-01', 'FREAD-11'],
    mutate: (real) =>
      onResponses(real, ['readFile'], ({ response }) => {
        if (response.case !== 'file') return;
        response.value.size = (response.value.size / 4096n + 1n) * 4096n;
      }),
  },
];

import { posix } from 'node:path';
import { create } from '@bufbuild/protobuf';
import type { CallContext } from '../../../src/bridge/call-context.ts';
import {
  FileKind,
  ListDirectoryRequestSchema,
  RemoveFileRequestSchema,
  ResolvePathRequestSchema,
  SetFileAttributesRequestSchema,
} from '../../../src/gen/runlet/v1/file_pb.ts';
import { onRequests, onResponses } from './hooks.ts';
import { retold } from './hooks-of-files.ts';
import type { Mutant } from './mutant.ts';
import type { Services } from './services.ts';

/** What only a check of ours names: no mutant does harm to anything else. */
const OF_CHECKS = /\/runlet-conformance-[^/]+\//;

/** Has a method that names a file do what it does to the target of a link. */
function following<K extends 'copyFile' | 'moveFile' | 'removeFile'>(
  real: Services,
  name: K,
): Services {
  const handler = real[name] as (request: Named, context: CallContext) => unknown;
  return {
    ...real,
    async [name](request: Named, context: CallContext) {
      const { path, sessionId } = request;
      if (path !== '') {
        const asked = create(ResolvePathRequestSchema, { sessionId, path });
        request.path = await real.resolvePath(asked, context).then(
          (answer) => answer.path,
          () => path,
        );
      }
      return handler(request, context);
    },
  };
}

interface Named {
  readonly sessionId: string;
  path: string;
}

/** Making, removing, moving and marking files. */
export const ofFileChanges: readonly Mutant[] = [
  {
    fault: 'the mode of a new folder is ignored',
    fails: ['CHANGE-01'],
    mutate: (real) =>
      onRequests(real, ['createDirectory'], (request) => {
        delete request.mode;
      }),
  },
  {
    fault: 'folders on the way are always made',
    fails: ['CHANGE-02'],
    mutate: (real) =>
      onRequests(real, ['createDirectory'], (request) => {
        request.parents = true;
      }),
  },
  {
    fault: 'folders on the way are never made',
    fails: ['CHANGE-03'],
    mutate: (real) =>
      onRequests(real, ['createDirectory'], (request) => {
        request.parents = false;
      }),
  },
  {
    fault: 'the target of a link is removed',
    fails: ['CHANGE-04'],
    mutate: (real) => following(real, 'removeFile'),
  },
  {
    fault: 'folders are removed with all that is in them, whether that is asked for or not',
    fails: ['CHANGE-05'],
    mutate: (real) =>
      onRequests(real, ['removeFile'], (request) => {
        request.recursive ||= OF_CHECKS.test(request.path);
      }),
  },
  {
    fault: 'what links in a folder lead to is emptied with it',
    fails: ['CHANGE-06'],
    mutate: (real) => ({
      ...real,
      async removeFile(request, context) {
        const { path, sessionId } = request;
        if (request.recursive && OF_CHECKS.test(path)) {
          const asked = create(ListDirectoryRequestSchema, { sessionId, path });
          for await (const { files } of real.listDirectory(asked, context)) {
            for (const { kind, linkTarget } of files) {
              if (kind !== FileKind.SYMLINK) continue;
              const target = posix.join(path, linkTarget);
              const gone = { sessionId, path: target, recursive: true };
              await real.removeFile(create(RemoveFileRequestSchema, gone), context);
            }
          }
        }
        return real.removeFile(request, context);
      },
    }),
  },
  {
    fault: 'nothing may be missing that is to be removed',
    fails: ['CHANGE-07'],
    mutate: (real) =>
      onRequests(real, ['removeFile'], (request) => {
        request.missingOk = false;
      }),
  },
  {
    fault: 'the folder of all is said to be full',
    fails: ['CHANGE-08'],
    mutate: (real) => retold(real, ['removeFile'], 'FILE_BUSY', 'DIRECTORY_NOT_EMPTY'),
  },
  {
    fault: 'of a mode only the permissions are set',
    fails: ['CHANGE-09'],
    mutate: (real) =>
      onRequests(real, ['setFileAttributes'], (request) => {
        if (request.mode !== undefined) request.mode &= 0o777;
      }),
  },
  {
    fault: 'always the target of a link is marked',
    fails: ['CHANGE-10'],
    mutate: (real) =>
      onRequests(real, ['setFileAttributes'], (request) => {
        request.noFollow = false;
      }),
  },
  {
    fault: 'where a link leads is written in another way',
    fails: ['CHANGE-11'],
    mutate: (real) =>
      onRequests(real, ['createSymlink'], (request) => {
        request.target = posix.normalize(request.target);
      }),
  },
  {
    fault: 'a path as bytes is taken for UTF-8',
    fails: ['CHANGE-12'],
    mutate: (real) =>
      onRequests(real, ['createDirectory'], (request) => {
        if (request.path !== '') return;
        request.path = Buffer.from(request.rawPath).toString();
        request.rawPath = new Uint8Array();
      }),
  },
  {
    fault: 'what is moved is told with its old path',
    fails: ['MOVE-01'],
    mutate: (real) =>
      onResponses(real, ['moveFile'], ({ file }, { path }) => {
        if (file !== undefined && path !== '') file.path = path;
      }),
  },
  {
    fault: 'what is at the target of a move is always replaced',
    fails: ['MOVE-02'],
    mutate: (real) =>
      onRequests(real, ['moveFile'], (request) => {
        request.replace = true;
      }),
  },
  {
    fault: 'a folder that is full and would be replaced fails as something else',
    fails: ['MOVE-03'],
    mutate: (real) => retold(real, ['moveFile'], 'DIRECTORY_NOT_EMPTY', 'FILE_EXISTS'),
  },
  {
    fault: 'the target of a link is moved',
    fails: ['MOVE-04'],
    mutate: (real) => following(real, 'moveFile'),
  },
  {
    fault: 'a move to another file system fails as something else',
    fails: ['MOVE-05'],
    mutate: (real) => retold(real, ['moveFile'], 'CROSS_DEVICE', 'FILE_FAILED'),
  },
  {
    fault: 'a move that is repeated is done again',
    fails: ['MOVE-06'],
    mutate: (real) =>
      onRequests(real, ['moveFile'], (request) => {
        request.requestId = '';
      }),
  },
  {
    fault: 'a copy has a mode of 0644',
    fails: ['COPY-01'],
    mutate: (real) => ({
      ...real,
      async copyFile(request, context) {
        const response = await real.copyFile(request, context);
        if (response.file?.kind !== FileKind.REGULAR) return response;
        const { sessionId, targetPath: path } = request;
        const change = create(SetFileAttributesRequestSchema, { sessionId, path, mode: 0o644 });
        const { file } = await real.setFileAttributes(change, context);
        return { ...response, file };
      },
    }),
  },
  {
    fault: 'the target of a link is copied',
    fails: ['COPY-02'],
    mutate: (real) => following(real, 'copyFile'),
  },
  {
    fault: 'folders are copied whether that is asked for or not',
    fails: ['COPY-03'],
    mutate: (real) =>
      onRequests(real, ['copyFile'], (request) => {
        request.recursive = true;
      }),
  },
  {
    fault: 'what is at the target of a copy is always replaced',
    fails: ['COPY-04'],
    mutate: (real) =>
      onRequests(real, ['copyFile'], (request) => {
        request.replace = true;
      }),
  },
  {
    fault: 'what is at the target of a copy is removed first',
    fails: ['COPY-05'],
    mutate: (real) => ({
      ...real,
      async copyFile(request, context) {
        const { replace, sessionId, targetPath: path } = request;
        if (replace && OF_CHECKS.test(path)) {
          const gone = { sessionId, path, recursive: true, missingOk: true };
          await real.removeFile(create(RemoveFileRequestSchema, gone), context);
        }
        return real.copyFile(request, context);
      },
    }),
  },
  {
    fault: 'a FIFO that is to be copied fails as something else',
    fails: ['COPY-06'],
    mutate: (real) => retold(real, ['copyFile'], 'NOT_A_REGULAR_FILE'),
  },
  {
    fault: 'a folder that would be copied into itself fails as something else',
    fails: ['COPY-07'],
    mutate: (real) => retold(real, ['copyFile'], 'INVALID_REQUEST', 'FILE_FAILED'),
  },
  {
    fault: 'a copy that is repeated is made again',
    fails: ['COPY-08'],
    mutate: (real) =>
      onRequests(real, ['copyFile'], (request) => {
        request.requestId = '';
      }),
  },
];

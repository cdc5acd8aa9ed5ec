import { posix } from 'node:path';
import { FileFailureSchema } from '../../../src/gen/runlet/v1/error_pb.ts';
import { onFailures, onRequests, onResponses, withDetails } from './hooks.ts';
import { onFiles, reasonOf, retold } from './hooks-of-files.ts';
import type { Mutant } from './mutant.ts';

/** What files are, and how they are named. */
export const ofFiles: readonly Mutant[] = [
  {
    fault: 'every file has one name',
    fails: ['FILE-01', 'MOVE-01', 'TREE-01'],
    mutate: (real) =>
      onFiles(real, (file) => {
        file.linkCount = 1n;
      }),
  },
  {
    fault: 'links are always followed by StatFile',
    fails: ['FILE-02', 'FILE-08', 'CHANGE-10', 'COPY-03', 'TREE-01'],
    mutate: (real) =>
      onRequests(real, ['statFile'], (request) => {
        request.noFollow = false;
      }),
  },
  {
    fault: 'the owner of a file is another',
    fails: ['FILE-03'],
    mutate: (real) =>
      onFiles(real, (file) => {
        file.uid += 1;
      }),
  },
  {
    fault: 'the time of a file is when it was changed in any way',
    fails: ['FILE-04', 'CHANGE-09', 'CHANGE-10', 'COPY-01', 'TREE-01'],
    mutate: (real) =>
      onFiles(real, (file) => {
        if (file.changeTime !== undefined) file.modifyTime = file.changeTime;
      }),
  },
  {
    fault: 'the version of a file is its path',
    fails: ['FILE-05', 'FREAD-05', 'FWRITE-09'],
    mutate: (real) =>
      onFiles(real, (file) => {
        file.version = file.path;
      }),
  },
  {
    fault: 'paths are told as text alone',
    fails: ['FILE-06', 'CHANGE-12'],
    mutate: (real) =>
      onFiles(real, (file) => {
        file.rawPath = new Uint8Array();
      }),
  },
  {
    fault: 'of a path as text and as bytes the text counts',
    fails: ['FILE-07'],
    mutate: (real) =>
      onRequests(real, ['statFile'], (request) => {
        if (request.path !== '') request.rawPath = new Uint8Array();
      }),
  },
  {
    fault: 'where a link leads is told as text alone',
    fails: ['FILE-08'],
    mutate: (real) =>
      onFiles(real, (file) => {
        file.rawLinkTarget = new Uint8Array();
      }),
  },
  {
    fault: 'a relative path is taken from the folder of all',
    fails: ['FILE-09'],
    mutate: (real) =>
      onRequests(real, ['statFile'], (request) => {
        if (/^[^/]/.test(request.path)) request.path = `/${request.path}`;
      }),
  },
  {
    fault: 'what is below a file is not found',
    fails: ['FILE-10'],
    mutate: (real) => retold(real, ['statFile'], 'NOT_A_DIRECTORY', 'FILE_NOT_FOUND'),
  },
  {
    fault: 'nothing is told of which file failed',
    fails: ['FILE-11'],
    mutate: (real) =>
      onFailures(real, (error) => withDetails(error, FileFailureSchema, () => undefined)),
  },
  {
    fault: 'paths are resolved by their text alone',
    fails: ['FILE-12'],
    mutate: (real) =>
      onResponses(real, ['resolvePath'], (response, request) => {
        response.path = posix.normalize(request.path);
      }),
  },
  {
    fault: 'a path that does not exist is resolved',
    fails: ['FILE-13'],
    mutate: (real) => ({
      ...real,
      async resolvePath(request, context) {
        try {
          return await real.resolvePath(request, context);
        } catch (error) {
          if (reasonOf(error) !== 'FILE_NOT_FOUND') throw error;
          const { path, rawPath } = request;
          return { $typeName: 'runlet.v1.ResolvePathResponse', path, rawPath };
        }
      },
    }),
  },
  {
    fault: 'paths are confined by their names',
    fails: ['FILE-14'],
    mutate: (real) =>
      onResponses(real, ['getServerInfo'], ({ capabilities }) => {
        if (capabilities?.files !== undefined) capabilities.files.confinement = 'names';
      }),
  },
  {
    fault: 'what lies outside of the roots is said to be missing',
    fails: ['FILE-15'],
    roots: true,
    mutate: (real) => retold(real, ['statFile'], 'OUTSIDE_ROOT', 'FILE_NOT_FOUND'),
  },
  {
    fault: 'a root that cannot be removed is said to be full',
    fails: ['FILE-16'],
    roots: true,
    mutate: (real) => retold(real, ['removeFile'], 'FILE_BUSY', 'DIRECTORY_NOT_EMPTY'),
  },
];

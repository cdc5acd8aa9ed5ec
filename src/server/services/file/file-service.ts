import type { ServiceImpl } from '../../../bridge/types.ts';
import type { FileService } from '../../../gen/runlet/v1/file_pb.ts';
import { changeFiles } from './change-files.ts';
import { copyFile } from './copy-file.ts';
import type { FileServiceOptions } from './file-calls.ts';
import { listAndWalk } from './list-and-walk.ts';
import { readFile } from './read-file.ts';
import { statAndResolve } from './stat-and-resolve.ts';
import { trees } from './trees.ts';
import { watchDirectory } from './watch-directory.ts';
import { writeFile } from './write-file.ts';

/** `FileService`: translates requests to operations on files, and nothing more. */
export function fileService(options: FileServiceOptions): ServiceImpl<typeof FileService> {
  return {
    ...statAndResolve(options),
    ...readFile(options),
    ...writeFile(options),
    ...listAndWalk(options),
    ...changeFiles(options),
    ...copyFile(options),
    ...watchDirectory(options),
    ...trees(options),
  };
}

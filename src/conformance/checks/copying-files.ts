import { randomUUID } from 'node:crypto';
import { FileKind } from '../../gen/runlet/v1/file_pb.ts';
import { ensureEqual, ensureFails } from '../assert.ts';
import type { Check } from '../check.ts';
import type { CheckFolder } from '../check-folder.ts';
import type { CheckContext } from '../context.ts';
import { statOf } from '../file-calls.ts';

const EXISTS = 'ALREADY_EXISTS/FILE_EXISTS';

function copy(
  { files, sessionId }: CheckContext,
  folder: CheckFolder,
  [from, to]: readonly [string, string],
  flags: {
    readonly recursive?: boolean;
    readonly replace?: boolean;
    readonly requestId?: string;
  } = {},
) {
  const paths = { path: folder.at(from), targetPath: folder.at(to) };
  return files.copyFile({ sessionId, ...paths, ...flags });
}

/** Copying files. */
export const copyingFiles: readonly Check[] = [
  {
    id: 'COPY-01',
    title: 'A file is copied with its mode and its time',
    clause: 'FileService.CopyFile',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(
        'printf content > file; chmod 751 file; TZ=UTC0 touch -t 200102030405.06 file',
      );
      const { file } = await copy(context, folder, ['file', 'copy']);
      ensureEqual([file?.path, file?.mode, file?.size], [folder.at('copy'), 0o751, 7n], 'the copy');
      ensureEqual(file?.modifyTime?.seconds, 981_173_106n, 'its time');
      await folder.sh('echo more >> file');
      ensureEqual(await folder.sh('cat copy'), 'content', 'what is in it');
    },
  },
  {
    id: 'COPY-02',
    title: 'A link is copied as a link',
    clause: 'CopyFileRequest.path',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(': > file; ln -s file link');
      const { file } = await copy(context, folder, ['link', 'copy']);
      ensureEqual([file?.kind, file?.linkTarget], [FileKind.SYMLINK, 'file'], 'the copy');
    },
  },
  {
    id: 'COPY-03',
    title: 'A folder is copied only with `recursive`, with all that is in it',
    clause: 'CopyFileRequest.recursive',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(
        'mkdir -p a/b/c; printf 1 > a/b/x; chmod 604 a/b/x; ln -s b/x a/link; chmod 711 a/b',
      );
      const without = copy(context, folder, ['a', 'copy']);
      await ensureFails(without, 'FAILED_PRECONDITION/IS_A_DIRECTORY', 'without `recursive`');
      ensureEqual(await folder.names(), 'a a/b a/b/c a/b/x a/link', 'what is there then');
      await copy(context, folder, ['a', 'copy'], { recursive: true });
      const expected = 'copy copy/b copy/b/c copy/b/x copy/link';
      ensureEqual(await folder.names(), `a a/b a/b/c a/b/x a/link ${expected}`, 'what is there');
      ensureEqual((await statOf(context, folder.at('copy/b'))).mode, 0o711, 'the mode of a folder');
      ensureEqual((await statOf(context, folder.at('copy/b/x'))).mode, 0o604, 'that of a file');
      const link = await statOf(context, folder.at('copy/link'), { noFollow: true });
      ensureEqual(link.linkTarget, 'b/x', 'where a link leads');
    },
  },
  {
    id: 'COPY-04',
    title: 'What is at the target of a copy stays, unless it may be replaced',
    clause: 'CopyFileRequest.replace',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(
        'echo new > file; echo old > target; ln target other',
      );
      await ensureFails(copy(context, folder, ['file', 'target']), EXISTS, 'without `replace`');
      ensureEqual(await folder.sh('cat target'), 'old\n', 'what is there then');
      await copy(context, folder, ['file', 'target'], { replace: true });
      ensureEqual(await folder.sh('cat target other'), 'new\nold\n', 'what is there at the end');
    },
  },
  {
    id: 'COPY-05',
    title:
      'A folder is copied into one that is there, and replaces no file by a folder or the reverse',
    clause: 'CopyFileResponse.file',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(
        'mkdir a b empty; echo new > a/x; echo old > b/x; : > b/kept; : > file',
      );
      const flags = { recursive: true, replace: true };
      const { file } = await copy(context, folder, ['a', 'b'], flags);
      ensureEqual(file?.kind, FileKind.DIRECTORY, 'what is told of it');
      ensureEqual(await folder.sh('ls -A b; cat b/x'), 'kept\nx\nnew\n', 'what is there');
      await ensureFails(copy(context, folder, ['a', 'file'], flags), EXISTS, 'a folder to a file');
      await ensureFails(
        copy(context, folder, ['file', 'empty'], flags),
        EXISTS,
        'a file to a folder',
      );
    },
  },
  {
    id: 'COPY-06',
    title: 'A FIFO is not copied, nor a folder that has one, and nothing is left',
    clause: 'ERROR_REASON_NOT_A_REGULAR_FILE',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkfifo fifo; mkdir a; : > a/x; mkfifo a/fifo');
      for (const name of ['fifo', 'a']) {
        const call = copy(context, folder, [name, 'copy'], { recursive: true });
        await ensureFails(call, 'FAILED_PRECONDITION/NOT_A_REGULAR_FILE', name);
      }
      ensureEqual(await folder.names(), 'a a/fifo a/x fifo', 'what is there');
    },
  },
  {
    id: 'COPY-07',
    title: 'A folder is not copied into itself',
    clause: 'CopyFileRequest.target_path',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir -p a/b; ln -s a link');
      for (const target of ['a/copy', 'a/b/copy', 'link/copy']) {
        const call = copy(context, folder, ['a', target], { recursive: true });
        await ensureFails(call, 'INVALID_ARGUMENT/INVALID_REQUEST', `a copy of a to ${target}`);
      }
      ensureEqual(await folder.names(), 'a a/b link', 'what is there');
    },
  },
  {
    id: 'COPY-08',
    title: 'A copy that is repeated with its `request_id` is made once',
    clause: 'CopyFileRequest.request_id',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('echo one > file');
      const flags = { replace: true, requestId: randomUUID() };
      const first = await copy(context, folder, ['file', 'copy'], flags);
      await folder.sh('echo two > file');
      const again = await copy(context, folder, ['file', 'copy'], flags);
      ensureEqual(again, first, 'the answer to the repeat');
      ensureEqual(await folder.sh('cat copy'), 'one\n', 'what is in the copy');
      const other = copy(context, folder, ['file', 'elsewhere'], flags);
      await ensureFails(other, 'ALREADY_EXISTS/REQUEST_MISMATCH', 'the same id for another copy');
    },
  },
];

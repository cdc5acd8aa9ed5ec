import { randomUUID } from 'node:crypto';
import { ensureEqual, ensureFails } from '../assert.ts';
import type { Check } from '../check.ts';

const EXISTS = 'ALREADY_EXISTS/FILE_EXISTS';
const NOT_FOUND = 'NOT_FOUND/FILE_NOT_FOUND';

/** Moving files. */
export const movingFiles: readonly Check[] = [
  {
    id: 'MOVE-01',
    title: 'A file is moved as it is, with its new path told',
    clause: 'FileService.MoveFile',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir a; printf content > file; ln file other');
      const { files, sessionId } = context;
      const targetPath = folder.at('a/moved');
      const request = { sessionId, path: folder.at('file'), targetPath };
      const { file } = await files.moveFile(request);
      ensureEqual([file?.path, file?.linkCount], [targetPath, 2n], 'the file in its new place');
      ensureEqual(await folder.names(), 'a a/moved other', 'what is there');
      await ensureFails(files.moveFile(request), NOT_FOUND, 'to move what is not there');
    },
  },
  {
    id: 'MOVE-02',
    title: 'What is at the target of a move stays, unless it may be replaced',
    clause: 'MoveFileRequest.replace',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('echo new > file; echo old > target');
      const { files, sessionId } = context;
      const request = { sessionId, path: folder.at('file'), targetPath: folder.at('target') };
      await ensureFails(files.moveFile(request), EXISTS, 'without `replace`');
      ensureEqual(await folder.sh('cat file target'), 'new\nold\n', 'what is there then');
      await files.moveFile({ ...request, replace: true });
      ensureEqual(await folder.sh('cat *'), 'new\n', 'what is there at the end');
    },
  },
  {
    id: 'MOVE-03',
    title:
      'A folder does not replace a file, nor a file a folder, nor anything a folder that is full',
    clause: 'ERROR_REASON_DIRECTORY_NOT_EMPTY',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir a full empty; : > full/x; : > file');
      const { files, sessionId } = context;
      const move = (from: string, to: string) => {
        const paths = { path: folder.at(from), targetPath: folder.at(to) };
        return files.moveFile({ sessionId, ...paths, replace: true });
      };
      const cases = [
        ['a', 'file', 'FAILED_PRECONDITION/NOT_A_DIRECTORY'],
        ['file', 'empty', 'FAILED_PRECONDITION/IS_A_DIRECTORY'],
        ['a', 'full', 'FAILED_PRECONDITION/DIRECTORY_NOT_EMPTY'],
      ] as const;
      for (const [from, to, expected] of cases) {
        await ensureFails(move(from, to), expected, `${from} to ${to}`);
      }
      ensureEqual(await folder.names(), 'a empty file full full/x', 'what is there then');
      await move('a', 'empty');
      ensureEqual(await folder.names(), 'empty file full full/x', 'what is there at the end');
    },
  },
  {
    id: 'MOVE-04',
    title: 'A link is moved, and not its target',
    clause: 'MoveFileRequest.path',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(': > file; ln -s file link');
      const { files, sessionId } = context;
      const paths = { path: folder.at('link'), targetPath: folder.at('moved') };
      const { file } = await files.moveFile({ sessionId, ...paths });
      ensureEqual(file?.linkTarget, 'file', 'where the moved link leads');
      ensureEqual(await folder.names(), 'file moved', 'what is there');
    },
  },
  {
    id: 'MOVE-05',
    title: 'To another file system nothing is moved',
    clause: 'ERROR_REASON_CROSS_DEVICE',
    needs: ['files', 'unconfined'],
    async run(context) {
      const folder = await context.makeFolder(': > file');
      const { files, sessionId } = context;
      const targetPath = `/proc/runlet-conformance-${randomUUID()}`;
      const call = files.moveFile({ sessionId, path: folder.at('file'), targetPath });
      await ensureFails(call, 'FAILED_PRECONDITION/CROSS_DEVICE', 'MoveFile to /proc');
      ensureEqual(await folder.names(), 'file', 'what is there');
    },
  },
  {
    id: 'MOVE-06',
    title: 'A move that is repeated with its `request_id` is done once',
    clause: 'MoveFileRequest.request_id',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('echo one > file');
      const { files, sessionId } = context;
      const paths = { path: folder.at('file'), targetPath: folder.at('moved') };
      const request = { sessionId, ...paths, replace: true, requestId: randomUUID() };
      const first = await files.moveFile(request);
      await folder.sh('echo two > file');
      ensureEqual(await files.moveFile(request), first, 'the answer to the repeat');
      ensureEqual(await folder.sh('cat file moved'), 'two\none\n', 'what is there');
      const other = { ...request, targetPath: folder.at('elsewhere') };
      const mismatch = 'ALREADY_EXISTS/REQUEST_MISMATCH';
      await ensureFails(files.moveFile(other), mismatch, 'the same id for another move');
    },
  },
];

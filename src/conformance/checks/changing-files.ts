import { ensure, ensureEqual, ensureFails, ensureInvalid } from '../assert.ts';
import type { Check } from '../check.ts';
import { statOf } from '../file-calls.ts';

const EXISTS = 'ALREADY_EXISTS/FILE_EXISTS';
const NOT_FOUND = 'NOT_FOUND/FILE_NOT_FOUND';
const BUSY = 'FAILED_PRECONDITION/FILE_BUSY';

/** A name that is no UTF-8, and how the shell makes it. */
const ODD = Buffer.from('odd\xff', 'latin1');
const ODD_IN_SHELL = `"$(printf 'odd\\377')"`;

/** Making, removing and marking files. */
export const changingFiles: readonly Check[] = [
  {
    id: 'CHANGE-01',
    title: 'A folder is made with the mode that is asked for, or 0777 less the umask',
    clause: 'CreateDirectoryRequest.mode',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const { files, sessionId } = context;
      const plain = await files.createDirectory({ sessionId, path: folder.at('plain') });
      const umask = Number.parseInt(await context.outputOf(['/bin/sh', '-c', 'umask']), 8);
      ensureEqual(plain.file?.mode, 0o777 & ~umask, 'its mode');
      ensureEqual(plain.file?.path, folder.at('plain'), 'its path');
      const open = await files.createDirectory({ sessionId, path: folder.at('open'), mode: 0o733 });
      ensureEqual(open.file?.mode, 0o733, 'a mode that is asked for, whatever the umask');
      ensureEqual(await folder.sh('test -d plain && test -d open'), '', 'what is there');
    },
  },
  {
    id: 'CHANGE-02',
    title: 'A folder is not made where something is, or where there is no folder to be in',
    clause: 'FileService.CreateDirectory',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir below; : > file');
      const { files, sessionId } = context;
      const make = (name: string) => files.createDirectory({ sessionId, path: folder.at(name) });
      await ensureFails(make('below'), EXISTS, 'where a folder is');
      await ensureFails(make('file'), EXISTS, 'where a file is');
      await ensureFails(make('nothing/new'), NOT_FOUND, 'in a folder that is not there');
      ensureEqual(await folder.names(), 'below file', 'what is there');
    },
  },
  {
    id: 'CHANGE-03',
    title: 'With `parents` folders on the way are made, and one that is there is no error',
    clause: 'CreateDirectoryRequest.parents',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(': > file');
      const { files, sessionId } = context;
      const make = (name: string) =>
        files.createDirectory({ sessionId, path: folder.at(name), parents: true });
      await make('a/b/c');
      await make('a/b/c');
      ensureEqual(await folder.names(), 'a a/b a/b/c file', 'what is there');
      await ensureFails(make('file'), EXISTS, 'where a file is');
    },
  },
  {
    id: 'CHANGE-04',
    title: 'A file, an empty folder and a link are removed, and never the target of a link',
    clause: 'FileService.RemoveFile',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(': > file; mkdir below kept; ln -s kept link');
      const { files, sessionId } = context;
      for (const name of ['file', 'below', 'link']) {
        await files.removeFile({ sessionId, path: folder.at(name) });
      }
      ensureEqual(await folder.names(), 'kept', 'what is left');
    },
  },
  {
    id: 'CHANGE-05',
    title: 'A folder that has something in it is removed only with `recursive`',
    clause: 'RemoveFileRequest.recursive',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(
        'mkdir -p a/b/c kept; : > a/b/c/x; : > a/y; mkfifo a/f',
      );
      const { files, sessionId } = context;
      const path = folder.at('a');
      const notEmpty = 'FAILED_PRECONDITION/DIRECTORY_NOT_EMPTY';
      await ensureFails(files.removeFile({ sessionId, path }), notEmpty, 'without');
      ensureEqual(await folder.names(), 'a a/b a/b/c a/b/c/x a/f a/y kept', 'what is there then');
      await files.removeFile({ sessionId, path, recursive: true });
      ensureEqual(await folder.names(), 'kept', 'what is left');
    },
  },
  {
    id: 'CHANGE-06',
    title: 'What links in a folder lead to stays when the folder is removed',
    clause: 'RemoveFileRequest.path',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir a kept; : > kept/file; ln -s ../kept a/link');
      const { files, sessionId } = context;
      await files.removeFile({ sessionId, path: folder.at('a'), recursive: true });
      ensureEqual(await folder.names(), 'kept kept/file', 'what is left');
    },
  },
  {
    id: 'CHANGE-07',
    title: 'To remove what is not there fails, unless that may be missing',
    clause: 'RemoveFileRequest.missing_ok',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const { files, sessionId } = context;
      const path = folder.at('nothing');
      await ensureFails(files.removeFile({ sessionId, path }), NOT_FOUND, 'RemoveFile');
      await files.removeFile({ sessionId, path, missingOk: true });
    },
  },
  {
    id: 'CHANGE-08',
    title: 'The folder of all, and one where something is mounted, are not removed',
    clause: 'ERROR_REASON_FILE_BUSY',
    needs: ['files', 'unconfined'],
    async run({ files, sessionId }) {
      // Without `recursive`: a server that would do it does no harm.
      for (const path of ['/', '/proc']) {
        await ensureFails(files.removeFile({ sessionId, path }), BUSY, `RemoveFile of ${path}`);
      }
    },
  },
  {
    id: 'CHANGE-09',
    title: 'Mode and time of a file are changed, and what is not set stays',
    clause: 'FileService.SetFileAttributes',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('printf content > file; chmod 640 file');
      const { files, sessionId } = context;
      const path = folder.at('file');
      const before = await statOf(context, path);
      const { file } = await files.setFileAttributes({ sessionId, path, mode: 0o2710 });
      ensureEqual(file?.mode, 0o2710, 'the mode');
      ensureEqual(file?.modifyTime, before.modifyTime, 'the time that was not set');
      const modifyTime = { seconds: 1_000_000_000n, nanos: 500_000_000 };
      await files.setFileAttributes({ sessionId, path, modifyTime });
      const after = await statOf(context, path);
      const { nanos, seconds } = after.modifyTime ?? {};
      ensureEqual({ seconds, nanos }, modifyTime, 'the time');
      ensureEqual([after.mode, after.size], [0o2710, 7n], 'the mode that was not set, and size');
      await ensureInvalid(
        files.setFileAttributes({ sessionId, path, mode: 0o10000 }),
        /^mode$/,
        'a mode',
      );
    },
  },
  {
    id: 'CHANGE-10',
    title: 'A link is marked and not its target with `no_follow`, and has no mode of its own',
    clause: 'SetFileAttributesRequest.no_follow',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(': > file; ln -s file link');
      const { files, sessionId } = context;
      const path = folder.at('link');
      const before = await statOf(context, path);
      const modifyTime = { seconds: 1_000_000_000n, nanos: 0 };
      await files.setFileAttributes({ sessionId, path, noFollow: true, modifyTime });
      const link = await statOf(context, path, { noFollow: true });
      ensureEqual(link.modifyTime?.seconds, modifyTime.seconds, 'the time of the link');
      const after = await statOf(context, path);
      ensureEqual(after.modifyTime, before.modifyTime, 'the time of its target');
      const mode = files.setFileAttributes({ sessionId, path, noFollow: true, mode: 0o600 });
      await ensureFails(mode, 'INVALID_ARGUMENT/INVALID_REQUEST', 'a mode of a link');
      await files.setFileAttributes({ sessionId, path, mode: 0o600 });
      ensureEqual((await statOf(context, path)).mode, 0o600, 'the mode of the target by the link');
    },
  },
  {
    id: 'CHANGE-11',
    title: 'A link is made as it is written, wherever it leads',
    clause: 'FileService.CreateSymlink',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(': > file');
      const { files, sessionId } = context;
      for (const target of ['../no/such//file', '/etc/none', 'file']) {
        const path = folder.at(`to-${target.length}`);
        const { file } = await files.createSymlink({ sessionId, path, target });
        ensureEqual(file?.linkTarget, target, 'where it leads');
        ensureEqual(
          await folder.sh(`readlink to-${target.length}`),
          `${target}\n`,
          'for a process',
        );
      }
      const again = files.createSymlink({ sessionId, path: folder.at('file'), target: 'x' });
      await ensureFails(again, EXISTS, 'a link where a file is');
    },
  },
  {
    id: 'CHANGE-12',
    title: 'Files whose names are no UTF-8 are made, moved and removed',
    clause: 'MoveFileRequest.raw_target_path',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const { files, sessionId } = context;
      const rawPath = folder.rawAt(ODD);
      await files.createDirectory({ sessionId, rawPath });
      await folder.sh(`test -d ${ODD_IN_SHELL}`);
      await files.moveFile({ sessionId, rawPath, targetPath: folder.at('plain') });
      ensureEqual(await folder.names(), 'plain', 'what is there');
      const rawTargetPath = rawPath;
      const { file } = await files.moveFile({ sessionId, path: folder.at('plain'), rawTargetPath });
      ensureEqual(Buffer.from(file?.rawPath ?? []), rawPath, 'raw_path of what was moved');
      await files.createSymlink({ sessionId, path: folder.at('link'), rawTarget: ODD });
      await folder.sh(`test -d link && test -d ${ODD_IN_SHELL}`);
      await files.removeFile({ sessionId, rawPath });
      ensure((await folder.names()) === 'link', 'it was not removed');
    },
  },
];

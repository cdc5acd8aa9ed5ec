import { type File, FileKind } from '../../gen/runlet/v1/file_pb.ts';
import { ensure, ensureEqual, ensureFails, ensureInvalid } from '../assert.ts';
import type { Check } from '../check.ts';
import { listed, statOf } from '../file-calls.ts';

/** A name that is no UTF-8, and how the shell makes it. */
const ODD = Buffer.from('odd\xff', 'latin1');
const ODD_IN_SHELL = `"$(printf 'odd\\377')"`;

/** What files are, and how they are named. */
export const files: readonly Check[] = [
  {
    id: 'FILE-01',
    title: 'What a file is, its size, its mode and how many names it has are told',
    clause: 'File.kind',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(
        'printf content > file; chmod 640 file; ln file other; mkdir below; chmod 1751 below; mkfifo fifo',
      );
      const file = await statOf(context, folder.at('file'));
      ensureEqual(summary(file), 'REGULAR 640', 'the file');
      ensureEqual([file.size, file.linkCount], [7n, 2n], 'its size and names');
      ensureEqual(file.path, folder.at('file'), 'its path');
      ensureEqual(summary(await statOf(context, folder.at('below'))), 'DIRECTORY 1751', 'a folder');
      ensureEqual(summary(await statOf(context, folder.at('fifo'))), 'FIFO 644', 'a FIFO');
    },
  },
  {
    id: 'FILE-02',
    title: 'A link is followed, or with `no_follow` described itself, with where it leads',
    clause: 'StatFileRequest.no_follow',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('printf content > file; ln -s ./file link');
      const target = await statOf(context, folder.at('link'));
      ensureEqual([target.kind, target.size], [FileKind.REGULAR, 7n], 'its target');
      ensureEqual(target.path, folder.at('link'), 'the path, as the call spelled it');
      const link = await statOf(context, folder.at('link'), { noFollow: true });
      ensureEqual([link.kind, link.linkTarget], [FileKind.SYMLINK, './file'], 'the link');
      ensureEqual(link.size, 6n, 'the size of the link');
    },
  },
  {
    id: 'FILE-03',
    title: 'The owner and the group of a file are those that a process sees',
    clause: 'File.uid',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(': > file');
      const numbers = (await folder.sh('ls -ln file')).trim().split(/ +/).slice(2, 4);
      const file = await statOf(context, folder.at('file'));
      ensureEqual([String(file.uid), String(file.gid)], numbers, 'the numbers');
      const names = (await folder.sh('ls -l file')).trim().split(/ +/).slice(2, 4);
      const { gid, group, owner, uid } = file;
      ensureEqual([owner || String(uid), group || String(gid)], names, 'the names');
    },
  },
  {
    id: 'FILE-04',
    title: 'When a file was changed is told',
    clause: 'File.modify_time',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(': > file; TZ=UTC0 touch -t 200102030405.06 file');
      const { changeTime, modifyTime } = await statOf(context, folder.at('file'));
      ensureEqual(modifyTime?.seconds, 981_173_106n, 'modify_time');
      ensure((changeTime?.seconds ?? 0n) > 981_173_106n, 'change_time is before the change');
    },
  },
  {
    id: 'FILE-05',
    title: 'The version of a file stays while nothing changes, and differs after a change',
    clause: 'File.version',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('echo one > file');
      const version = async (): Promise<string> =>
        (await statOf(context, folder.at('file'))).version;
      const first = await version();
      ensure(first !== '', 'it is empty');
      ensureEqual(await version(), first, 'the version of the same file');
      await folder.sh('echo three > file');
      const second = await version();
      ensure(second !== first, 'it is the same though the content changed');
      await folder.sh('cp -p file copy; mv copy file');
      ensure((await version()) !== second, 'it is the same though another file is there');
    },
  },
  {
    id: 'FILE-06',
    title: 'A name that is no UTF-8 is told as bytes, and named by them',
    clause: 'File.raw_path',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(`printf content > ${ODD_IN_SHELL}; : > plain`);
      const rawPath = folder.rawAt(ODD);
      const found = await listed(context, folder.path);
      const odd = found.find(({ size }) => size === 7n);
      ensureEqual(Buffer.from(odd?.rawPath ?? []), rawPath, 'raw_path in a listing');
      ensureEqual(odd?.path, folder.at('odd\ufffd'), 'path, for people');
      const plain = found.find(({ size }) => size === 0n);
      ensureEqual(plain?.rawPath.length, 0, 'the length of raw_path of a name that is UTF-8');
      const file = await statOf(context, '', { rawPath });
      ensureEqual([Buffer.from(file.rawPath), file.size], [rawPath, 7n], 'what StatFile tells');
    },
  },
  {
    id: 'FILE-07',
    title: 'A path as text and as bytes at a time is refused, as is none',
    clause: 'StatFileRequest.raw_path',
    needs: 'files',
    async run({ files: client, sessionId }) {
      const rawPath = Buffer.from('/');
      const twice = client.statFile({ sessionId, path: '/', rawPath });
      await ensureInvalid(twice, /^(raw_)?path$/, 'both');
      await ensureInvalid(client.statFile({ sessionId }), /^(raw_)?path$/, 'none');
    },
  },
  {
    id: 'FILE-08',
    title: 'Where a link leads is told as bytes where it is no UTF-8',
    clause: 'File.raw_link_target',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(`ln -s ${ODD_IN_SHELL} link`);
      const link = await statOf(context, folder.at('link'), { noFollow: true });
      ensureEqual(Buffer.from(link.rawLinkTarget), ODD, 'raw_link_target');
      ensureEqual(link.linkTarget, 'odd\ufffd', 'link_target, for people');
    },
  },
  {
    id: 'FILE-09',
    title: 'A path that is relative, has NUL or is too long is refused',
    clause: 'StatFileRequest.path',
    needs: 'files',
    async run({ files: client, sessionId }) {
      for (const path of ['some/file', './file', '/a\0b', `/${'x/'.repeat(2_500)}`]) {
        const call = client.statFile({ sessionId, path });
        await ensureInvalid(call, /^path$/, JSON.stringify(path.slice(0, 20)));
      }
    },
  },
  {
    id: 'FILE-10',
    title: 'What the system refuses has a reason of its own',
    clause: 'FileService',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(': > file; ln -s loop loop; ln -s nothing dangling');
      const cases = {
        nothing: 'NOT_FOUND/FILE_NOT_FOUND',
        'nothing/below': 'NOT_FOUND/FILE_NOT_FOUND',
        dangling: 'NOT_FOUND/FILE_NOT_FOUND',
        'file/below': 'FAILED_PRECONDITION/NOT_A_DIRECTORY',
        loop: 'FAILED_PRECONDITION/TOO_MANY_SYMLINKS',
      };
      for (const [name, expected] of Object.entries(cases)) {
        await ensureFails(statOf(context, folder.at(name)), expected, `StatFile of ${name}`);
      }
    },
  },
  {
    id: 'FILE-11',
    title: 'A failure tells what was done to which file, and the error of the system',
    clause: 'FileFailure',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const path = folder.at('nothing');
      const call = statOf(context, path);
      const { fileFailure } = await ensureFails(call, 'NOT_FOUND/FILE_NOT_FOUND', 'StatFile');
      const { errnoName, message, operation, reason } = fileFailure ?? {};
      ensureEqual(fileFailure?.path, path, 'the path');
      ensureEqual([errnoName, reason], ['ENOENT', 'FILE_NOT_FOUND'], 'the error and the reason');
      ensure(operation && message, 'the operation or the message is empty');
    },
  },
  {
    id: 'FILE-12',
    title: 'A path is resolved without links, `.`, `..` and needless slashes',
    clause: 'FileService.ResolvePath',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir -p a/b; : > a/b/file; ln -s a/b link');
      const { files: client, sessionId } = context;
      const cases = {
        'link/file': 'a/b/file',
        // The folder above the target, and not that above the link.
        'link/..': 'a',
        './/a/./b//../b/': 'a/b',
      };
      for (const [name, expected] of Object.entries(cases)) {
        const { path } = await client.resolvePath({ sessionId, path: folder.at(name) });
        ensureEqual(path, folder.at(expected), name);
      }
    },
  },
  {
    id: 'FILE-13',
    title: 'A path to be resolved has to exist',
    clause: 'ResolvePathRequest.path',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const { files: client, sessionId } = context;
      const call = client.resolvePath({ sessionId, path: folder.at('nothing') });
      await ensureFails(call, 'NOT_FOUND/FILE_NOT_FOUND', 'ResolvePath of nothing');
    },
  },
  {
    id: 'FILE-14',
    title: 'How paths are confined is told, and the bounds of files are',
    clause: 'FilesCapability.confinement',
    needs: 'files',
    async run({ info }) {
      const { confinement = '', roots = [] } = info.capabilities?.files ?? {};
      ensure(['openat2', 'descriptors'].includes(confinement), `confinement is "${confinement}"`);
      for (const root of roots) ensure(root.startsWith('/'), `a root is "${root}"`);
      const { maxPrincipalWatchedDirectories, maxSessionUploads, maxWalkEntries } =
        info.limits ?? {};
      ensure(maxSessionUploads, 'max_session_uploads is 0');
      ensure(maxWalkEntries, 'max_walk_entries is 0');
      ensure(maxPrincipalWatchedDirectories, 'max_principal_watched_directories is 0');
    },
  },
  {
    id: 'FILE-15',
    title: 'What lies or leads outside of the roots is out of reach',
    clause: 'ERROR_REASON_OUTSIDE_ROOT',
    needs: ['files', 'roots'],
    async run(context) {
      const folder = await context.makeFolder(
        'ln -s /etc absolute; ln -s ../../../../etc relative',
      );
      const paths = ['/etc', '/', folder.at('absolute/passwd'), folder.at('relative/passwd')];
      const above = '/..'.repeat(folder.path.split('/').length);
      for (const path of [...paths, `${folder.path}${above}/etc`]) {
        await ensureFails(statOf(context, path), 'PERMISSION_DENIED/OUTSIDE_ROOT', path);
      }
      ensureEqual((await statOf(context, folder.path)).kind, FileKind.DIRECTORY, 'what is inside');
    },
  },
  {
    id: 'FILE-16',
    title: 'A root cannot be removed or moved',
    clause: 'ERROR_REASON_FILE_BUSY',
    needs: ['files', 'roots'],
    async run(context) {
      const { files: client, sessionId } = context;
      const [path = ''] = context.info.capabilities?.files?.roots ?? [];
      const folder = await context.makeFolder();
      const busy = 'FAILED_PRECONDITION/FILE_BUSY';
      await ensureFails(client.removeFile({ sessionId, path }), busy, 'RemoveFile');
      const moved = client.moveFile({ sessionId, path, targetPath: folder.at('root') });
      await ensureFails(moved, busy, 'MoveFile');
    },
  },
];

function summary({ kind, mode }: File): string {
  return `${FileKind[kind]} ${mode.toString(8)}`;
}

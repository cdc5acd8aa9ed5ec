import { SandboxAccess, SandboxPlace } from '../../gen/runlet/v1/sandbox_pb.ts';
import { ensureAllFail, ensureEqual, ensureInvalid } from '../assert.ts';
import type { Check } from '../check.ts';
import { listed, readAll, statOf, write } from '../file-calls.ts';
import { hidden, PLATFORM, readable, type SandboxInit, writable } from '../sandboxes.ts';

const NOT_FOUND = 'NOT_FOUND/FILE_NOT_FOUND';
const READ_ONLY = 'FAILED_PRECONDITION/READ_ONLY_FILE_SYSTEM';

/** Files in a sandbox. */
export const sandboxedFiles: readonly Check[] = [
  {
    id: 'SANDBOX-40',
    title: 'What no rule names does not exist for files, either',
    clause: 'StatFileRequest.sandbox',
    needs: ['sandbox', 'files', 'unconfined'],
    async run(context) {
      const { files, sessionId } = context;
      const folder = await context.makeFolder('mkdir in; printf i > in/file; printf o > out');
      const sandbox: SandboxInit = { rules: [readable(folder.at('in'))] };
      ensureEqual((await statOf(context, folder.at('in/file'), { sandbox })).size, 1n, 'the size');
      const { bytes } = await readAll(context, folder.at('in/file'), { sandbox });
      ensureEqual(bytes.toString(), 'i', 'what is in it');
      const request = { sessionId, path: folder.at('out'), sandbox };
      const read = async (): Promise<void> => {
        for await (const _ of files.readFile(request));
      };
      await ensureAllFail(
        {
          StatFile: files.statFile(request),
          ReadFile: read(),
          RemoveFile: files.removeFile(request),
          ResolvePath: files.resolvePath(request),
          SetFileAttributes: files.setFileAttributes({ ...request, mode: 0o600 }),
        },
        NOT_FOUND,
      );
      ensureEqual(await folder.names(), 'in in/file out', 'what is there');
    },
  },
  {
    id: 'SANDBOX-41',
    title: 'What may only be read cannot be changed through files',
    clause: 'WriteFileOpen.sandbox',
    needs: ['sandbox', 'files', 'unconfined'],
    async run(context) {
      const { files, sessionId } = context;
      const folder = await context.makeFolder('mkdir d; printf kept > d/file');
      const sandbox: SandboxInit = { rules: [readable(folder.path)] };
      const path = folder.at('d/file');
      const request = { sessionId, path, sandbox };
      const targetPath = folder.at('d/other');
      await ensureAllFail(
        {
          WriteFile: write(context, path, 'x', { sandbox }),
          CreateDirectory: files.createDirectory({ ...request, path: folder.at('e') }),
          RemoveFile: files.removeFile(request),
          MoveFile: files.moveFile({ ...request, targetPath }),
          CopyFile: files.copyFile({ ...request, targetPath }),
          CreateSymlink: files.createSymlink({ ...request, path: targetPath, target: 'file' }),
          SetFileAttributes: files.setFileAttributes({ ...request, mode: 0o600 }),
        },
        READ_ONLY,
      );
      ensureEqual(await folder.names(), 'd d/file', 'what is there');
      ensureEqual(await folder.sh('cat d/file'), 'kept', 'what is in it');
    },
  },
  {
    id: 'SANDBOX-42',
    title: 'Where it may be changed, files are written as without a sandbox',
    clause: 'WriteFileOpen.sandbox',
    needs: ['sandbox', 'files', 'unconfined'],
    async run(context) {
      const { files, sessionId } = context;
      const folder = await context.makeFolder();
      const sandbox: SandboxInit = { rules: [writable(folder.path)] };
      await write(context, folder.at('file'), 'content', { sandbox });
      const targetPath = folder.at('moved');
      await files.moveFile({ sessionId, path: folder.at('file'), targetPath, sandbox });
      ensureEqual(await folder.names(), 'moved', 'what is there');
      ensureEqual(await folder.sh('cat moved'), 'content', 'what is in it');
    },
  },
  {
    id: 'SANDBOX-43',
    title: 'What is denied is hidden from listings of what is in it, and cannot be read or removed',
    clause: 'ListDirectoryRequest.sandbox',
    needs: ['sandbox', 'files', 'unconfined'],
    async run(context) {
      const { files, sessionId } = context;
      const folder = await context.makeFolder('mkdir secret; printf s > secret/file; : > open');
      const rules = [writable(folder.path), hidden(folder.at('secret'))];
      const sandbox: SandboxInit = { rules };
      const names = (await listed(context, folder.path, { sandbox })).map(({ path }) => path);
      ensureEqual(names.includes(folder.at('open')), true, 'whether the other is listed');
      const inside = listed(context, folder.at('secret'), { sandbox }).catch(() => []);
      ensureEqual(await inside, [], 'what is in it');
      const removed = files.removeFile({
        sessionId,
        path: folder.at('secret'),
        recursive: true,
        sandbox,
      });
      await removed.catch(() => undefined);
      ensureEqual(await folder.names(), 'open secret secret/file', 'what is there');
    },
  },
  {
    id: 'SANDBOX-44',
    title: 'A link leads nowhere that no rule names',
    clause: 'ReadFileRequest.sandbox',
    needs: ['sandbox', 'files', 'unconfined'],
    async run(context) {
      const { files, sessionId } = context;
      const folder = await context.makeFolder(
        'mkdir in; printf o > out; ln -s ../out in/up; ln -s "$PWD/out" in/absolute; ln -s .. in/folder',
      );
      const sandbox: SandboxInit = { rules: [writable(folder.at('in'))] };
      const at = (name: string): object => ({ sessionId, path: folder.at(name), sandbox });
      await ensureAllFail(
        {
          'a relative link': files.statFile(at('in/up')),
          'an absolute link': files.statFile(at('in/absolute')),
          'a link in the middle': files.statFile(at('in/folder/out')),
          'a folder above': files.statFile(at('in/../out')),
        },
        NOT_FOUND,
      );
      await write(context, folder.at('in/up'), 'x', { sandbox }).catch(() => undefined);
      ensureEqual(await folder.sh('cat out'), 'o', 'what is outside');
    },
  },
  {
    id: 'SANDBOX-45',
    title: 'The working directory of files is the one that the sandbox names',
    clause: 'Sandbox.cwd',
    needs: ['sandbox', 'files', 'unconfined'],
    async run(context) {
      const { files, sessionId } = context;
      const folder = await context.makeFolder('mkdir d; : > d/file');
      const rules = [{ place: SandboxPlace.CWD, access: SandboxAccess.READ }];
      const request = { sessionId, path: folder.at('d/file') };
      const sandbox: SandboxInit = { rules, cwd: folder.at('d') };
      ensureEqual(
        (await statOf(context, request.path, { sandbox })).path,
        request.path,
        'the file',
      );
      const without = files.statFile({ ...request, sandbox: { rules } });
      await ensureInvalid(without, /^sandbox\.cwd$/, 'without one');
    },
  },
  {
    id: 'SANDBOX-46',
    title: 'Processes and files have the same boundary',
    clause: 'Sandbox',
    needs: ['sandbox', 'files', 'unconfined'],
    async run(context) {
      const { files, sessionId } = context;
      const folder = await context.makeFolder('mkdir w r n; for d in w r n; do : > $d/file; done');
      const rules = [
        PLATFORM,
        writable(folder.at('w')),
        readable(folder.at('r')),
        readable(folder.path),
        hidden(folder.at('n')),
      ];
      const sandbox: SandboxInit = { rules };
      const tried: string[] = [];
      for (const name of ['w', 'r', 'n']) {
        const path = folder.at(`${name}/new`);
        const outcome = await write(context, path, 'x', { sandbox }).then(
          () => 'written',
          () => 'refused',
        );
        tried.push(outcome);
      }
      ensureEqual(tried, ['written', 'refused', 'refused'], 'what can be written');
      const script = `for d in w r n; do { : > ${folder.path}/$d/other; } 2> /dev/null && printf "$d "; done; :`;
      await context.runShell(script, { sandbox, cwd: '/' });
      ensureEqual(
        await folder.names(),
        'n n/file r r/file w w/file w/new w/other',
        'what is there',
      );
      await files.statFile({ sessionId, path: folder.at('w/other'), sandbox });
    },
  },
];

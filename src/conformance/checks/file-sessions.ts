import { randomUUID } from 'node:crypto';
import { ensureAllFail, ensureEqual, outcomeOf } from '../assert.ts';
import type { Check } from '../check.ts';
import type { CheckContext } from '../context.ts';
import { LivePieces, untilAccepted, Watched, write, writeStream } from '../file-calls.ts';
import { allOf, pieceOf, unpacking, writing } from '../file-streams.ts';
import { archiveOf } from '../tar-members.ts';

const SUPERSEDED = 'ABORTED/ATTACHMENT_SUPERSEDED';

/** Calls of every method, by their names; none of them does anything where it is refused. */
function callsOf(
  { files }: CheckContext,
  named: { readonly sessionId: string; readonly attachmentId?: string },
  folder: string,
): Readonly<Record<string, Promise<unknown>>> {
  const path = `${folder}/file`;
  const target = { ...named, path };
  const pair = { ...target, targetPath: `${folder}/other` };
  const upload = { ...named, uploadId: randomUUID() };
  const tree = archiveOf({ name: 'member' });
  return {
    StatFile: files.statFile(target),
    ReadFile: allOf(files.readFile(target)),
    WriteFile: files.writeFile(writing(target, [pieceOf('new')])),
    GetUpload: files.getUpload(upload),
    AbortUpload: files.abortUpload(upload),
    ListDirectory: allOf(files.listDirectory({ ...named, path: folder })),
    WalkDirectory: allOf(files.walkDirectory({ ...named, path: folder })),
    CreateDirectory: files.createDirectory({ ...named, path: `${folder}/new` }),
    RemoveFile: files.removeFile(target),
    MoveFile: files.moveFile(pair),
    CopyFile: files.copyFile(pair),
    SetFileAttributes: files.setFileAttributes({ ...target, mode: 0o600 }),
    CreateSymlink: files.createSymlink({ ...named, path: `${folder}/link`, target: 'file' }),
    ResolvePath: files.resolvePath(target),
    WatchDirectory: allOf(files.watchDirectory({ ...named, path: folder })),
    ReadTree: allOf(files.readTree({ ...named, path: folder })),
    WriteTree: files.writeTree(unpacking({ ...named, path: `${folder}/tree` }, [tree])),
  };
}

/** Files of a session, and of its attachments. */
export const fileSessions: readonly Check[] = [
  {
    id: 'FSESSION-01',
    title: 'No call about files is answered in a session that there is not',
    clause: 'FileService',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('echo old > file');
      const calls = callsOf(context, { sessionId: randomUUID() }, folder.path);
      await ensureAllFail(calls, 'NOT_FOUND/SESSION_NOT_FOUND');
      ensureEqual(await folder.sh('cat file; ls -A'), 'old\nfile\n', 'what is there');
    },
  },
  {
    id: 'FSESSION-02',
    title: 'A session that is closed ends its streams at once, whatever they wait for',
    clause: 'ERROR_REASON_SESSION_CLOSED',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('echo old > file; mkdir watched');
      const sessionId = await context.createSession();
      const [pieces, uploadId] = [new LivePieces(), randomUUID()];
      const open = { sessionId, path: folder.at('file'), uploadId };
      const written = outcomeOf(writeStream(context, open, pieces));
      pieces.give(pieceOf('new\n'));
      const watched = await Watched.start(context, folder.at('watched'), { sessionId });
      const untilEnd = outcomeOf(watched.next());
      await untilAccepted(context, uploadId, 4, sessionId);
      await context.sessions.closeSession({ sessionId });
      ensureEqual((await untilEnd).summary, 'NOT_FOUND/SESSION_CLOSED', 'the watch');
      ensureEqual((await written).summary, 'NOT_FOUND/SESSION_CLOSED', 'the upload');
      pieces.end();
      ensureEqual(await folder.sh('cat file'), 'old\n', 'what is in the file');
    },
  },
  {
    id: 'FSESSION-03',
    title: 'A stream of an attachment ends when another takes over',
    clause: 'WatchDirectoryRequest.attachment_id',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const { id } = await context.attach();
      const watched = await Watched.start(context, folder.path, { attachmentId: id });
      const next = outcomeOf(watched.next());
      await context.attach({}, context.otherClients());
      await folder.sh(': > file');
      ensureEqual((await next).summary, SUPERSEDED, 'the stream');
    },
  },
  {
    id: 'FSESSION-04',
    title: 'Bytes of an attachment do not arrive once another has taken over',
    clause: 'WriteFileOpen.attachment_id',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('echo old > file');
      const { id: attachmentId } = await context.attach();
      const [pieces, uploadId] = [new LivePieces(), randomUUID()];
      const path = folder.at('file');
      const written = outcomeOf(writeStream(context, { path, uploadId, attachmentId }, pieces));
      pieces.give(pieceOf('new '));
      await untilAccepted(context, uploadId, 4);
      await context.attach({}, context.otherClients());
      pieces.give(pieceOf('content', 4));
      pieces.end();
      ensureEqual((await written).summary, SUPERSEDED, 'the upload');
      ensureEqual(await folder.sh('cat file'), 'old\n', 'what is in the file');
      const { acceptedOffset } = await context.files.getUpload({
        sessionId: context.sessionId,
        uploadId,
      });
      ensureEqual(acceptedOffset, 4n, 'accepted_offset');
    },
  },
  {
    id: 'FSESSION-05',
    title: 'Later calls of every kind of the older attachment fail and do nothing',
    clause: 'RemoveFileRequest.attachment_id',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('echo old > file');
      const { id: attachmentId } = await context.attach();
      await context.attach({}, context.otherClients());
      const { sessionId } = context;
      await ensureAllFail(callsOf(context, { sessionId, attachmentId }, folder.path), SUPERSEDED);
      ensureEqual(await folder.sh('cat file; ls -A'), 'old\nfile\n', 'what is there');
    },
  },
  {
    id: 'FSESSION-06',
    title: 'Calls about files that carry no attachment go on through a take-over',
    clause: 'docs/sessions.md#fencing',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      await context.attach();
      const watched = await Watched.start(context, folder.path);
      const pieces = new LivePieces();
      const uploadId = randomUUID();
      const written = writeStream(context, { path: folder.at('file'), uploadId }, pieces);
      pieces.give(pieceOf('some '));
      await untilAccepted(context, uploadId, 5);
      const { id: attachmentId } = await context.attach({}, context.otherClients());
      pieces.give(pieceOf('content', 5));
      pieces.end();
      await written;
      await watched.until(({ path }) => path === folder.at('file'), 'the file was told');
      await watched.leave();
      await write(context, folder.at('own'), 'x', { attachmentId });
      ensureEqual(await folder.sh('cat file own'), 'some contentx', 'what is there');
    },
  },
];

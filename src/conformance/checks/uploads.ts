import { randomUUID } from 'node:crypto';
import { WriteDisposition } from '../../gen/runlet/v1/file_pb.ts';
import { ensureEqual, ensureFails, outcomeOf } from '../assert.ts';
import type { Check } from '../check.ts';
import type { CheckContext } from '../context.ts';
import { LivePieces, untilAccepted, write, writeStream } from '../file-calls.ts';
import { pieceOf, writing } from '../file-streams.ts';

const NOT_FOUND = 'NOT_FOUND/UPLOAD_NOT_FOUND';
const UNFINISHED = 'FAILED_PRECONDITION/UPLOAD_UNFINISHED';
const SUPERSEDED = 'ABORTED/UPLOAD_SUPERSEDED';

/** How often it is looked whether something is gone: a process each time. */
const LOOKS = 100;

/** Sends the beginning of an upload, and ends the stream without `finish`. */
async function sendPart(
  context: CheckContext,
  { path, text, uploadId }: Readonly<Record<'path' | 'text' | 'uploadId', string>>,
): Promise<void> {
  const call = writeStream(context, { path, uploadId }, [pieceOf(text)], { finish: false });
  await ensureFails(call, UNFINISHED, 'a stream that ends without `finish`');
}

/** Uploads that outlive their connection. */
export const uploads: readonly Check[] = [
  {
    id: 'UPLOAD-01',
    title: 'An upload whose call is cancelled goes on with another, over another connection',
    clause: 'WriteFileOpen.upload_id',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const open = { path: folder.at('file'), uploadId: randomUUID() };
      const { sessionId } = context;
      const cut = new AbortController();
      const pieces = new LivePieces();
      const other = context.otherClients();
      const messages = writing({ sessionId, ...open }, pieces);
      const first = outcomeOf(other.files.writeFile(messages, { signal: cut.signal }));
      pieces.give(pieceOf('some '));
      await untilAccepted(context, open.uploadId, 5);
      cut.abort();
      await first;
      await writeStream(context, open, [pieceOf('content', 5)]);
      ensureEqual(await folder.sh('cat file; ls -A'), 'some contentfile\n', 'what is there');
    },
  },
  {
    id: 'UPLOAD-02',
    title: 'What was accepted before is passed over, also a part of what is sent',
    clause: 'FileData.offset',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const [path, uploadId] = [folder.at('file'), randomUUID()];
      await sendPart(context, { path, uploadId, text: '01234' });
      const pieces = [pieceOf('01'), pieceOf('23456', 2), pieceOf('56789', 5)];
      await writeStream(context, { path, uploadId }, pieces);
      ensureEqual(await folder.sh('cat file'), '0123456789', 'what is in the file');
    },
  },
  {
    id: 'UPLOAD-03',
    title: 'Bytes beyond what was accepted are refused, with how much was; the upload goes on',
    clause: 'ERROR_REASON_UPLOAD_OFFSET_GAP',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const [path, uploadId] = [folder.at('file'), randomUUID()];
      await sendPart(context, { path, uploadId, text: '01234' });
      const call = writeStream(context, { path, uploadId }, [pieceOf('789', 7)]);
      const { info } = await ensureFails(call, 'OUT_OF_RANGE/UPLOAD_OFFSET_GAP', 'a gap');
      ensureEqual(info?.metadata['accepted_offset'], '5', 'accepted_offset in the metadata');
      await writeStream(context, { path, uploadId }, [pieceOf('56789', 5)]);
      ensureEqual(await folder.sh('cat file'), '0123456789', 'what is in the file');
    },
  },
  {
    id: 'UPLOAD-04',
    title: 'A repeat after the end has the answer of the first, and writes nothing',
    clause: 'FileService.WriteFile',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const [path, uploadId] = [folder.at('file'), randomUUID()];
      const first = await write(context, path, 'content', { uploadId });
      await folder.sh('echo changed > file');
      const again = await write(context, path, 'content', { uploadId });
      ensureEqual(again, first, 'the answer to the repeat');
      ensureEqual(await folder.sh('cat file'), 'changed\n', 'what is in the file');
    },
  },
  {
    id: 'UPLOAD-05',
    title: 'An id that was used with another `open` is refused',
    clause: 'ERROR_REASON_REQUEST_MISMATCH',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const [path, uploadId] = [folder.at('file'), randomUUID()];
      await sendPart(context, { path, uploadId, text: '01234' });
      const cases = {
        'another path': { path: folder.at('other'), uploadId },
        'another mode': { path, uploadId, mode: 0o600 },
      };
      for (const [what, open] of Object.entries(cases)) {
        const call = writeStream(context, open, []);
        await ensureFails(call, 'ALREADY_EXISTS/REQUEST_MISMATCH', what);
      }
      await writeStream(context, { path, uploadId }, [pieceOf('56789', 5)]);
      ensureEqual(await folder.names(), 'file', 'what is there');
    },
  },
  {
    id: 'UPLOAD-06',
    title: 'A call that goes on with an upload takes it from the one before',
    clause: 'ERROR_REASON_UPLOAD_SUPERSEDED',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const [path, uploadId] = [folder.at('file'), randomUUID()];
      const pieces = new LivePieces();
      const first = outcomeOf(writeStream(context, { path, uploadId }, pieces));
      pieces.give(pieceOf('some '));
      await untilAccepted(context, uploadId, 5);
      await writeStream(context, { path, uploadId }, [pieceOf('content', 5)]);
      pieces.give(pieceOf('too late', 5));
      pieces.end();
      ensureEqual((await first).summary, SUPERSEDED, 'the call before');
      ensureEqual(await folder.sh('cat file'), 'some content', 'what is in the file');
    },
  },
  {
    id: 'UPLOAD-07',
    title: 'How far an upload is, and whether it is over, can be asked',
    clause: 'GetUploadResponse.finished',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const [path, uploadId] = [folder.at('file'), randomUUID()];
      const { files, sessionId } = context;
      const ask = async (): Promise<unknown> => {
        const { acceptedOffset, finished } = await files.getUpload({ sessionId, uploadId });
        return [acceptedOffset, finished];
      };
      await ensureFails(ask(), NOT_FOUND, 'an upload that was never begun');
      await sendPart(context, { path, uploadId, text: '01234' });
      ensureEqual(await ask(), [5n, false], 'accepted_offset and finished');
      await writeStream(context, { path, uploadId }, [pieceOf('56789', 5)]);
      ensureEqual(await ask(), [10n, true], 'the same at the end');
    },
  },
  {
    id: 'UPLOAD-08',
    title:
      'An upload that is aborted is gone with what arrived, and so is the call that goes on with it',
    clause: 'FileService.AbortUpload',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('echo old > file');
      const [path, uploadId] = [folder.at('file'), randomUUID()];
      const { files, sessionId } = context;
      const pieces = new LivePieces();
      const call = outcomeOf(writeStream(context, { path, uploadId }, pieces));
      pieces.give(pieceOf('some '));
      await untilAccepted(context, uploadId, 5);
      await files.abortUpload({ sessionId, uploadId });
      ensureEqual((await call).summary, SUPERSEDED, 'the call that goes on with it');
      pieces.end();
      await ensureFails(files.getUpload({ sessionId, uploadId }), NOT_FOUND, 'GetUpload');
      ensureEqual(await folder.sh('cat file; ls -A'), 'old\nfile\n', 'what is there');
    },
  },
  {
    id: 'UPLOAD-09',
    title: 'To abort an upload that is over does nothing, and one that there is not fails',
    clause: 'AbortUploadRequest.upload_id',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const [path, uploadId] = [folder.at('file'), randomUUID()];
      const { files, sessionId } = context;
      await write(context, path, 'content', { uploadId });
      await files.abortUpload({ sessionId, uploadId });
      ensureEqual(await folder.sh('cat file'), 'content', 'what is in the file');
      const never = files.abortUpload({ sessionId, uploadId: randomUUID() });
      await ensureFails(never, NOT_FOUND, 'AbortUpload of none');
    },
  },
  {
    id: 'UPLOAD-10',
    title: 'What is appended is appended once, though the call is repeated',
    clause: 'WRITE_DISPOSITION_APPEND',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('echo old > file');
      const disposition = WriteDisposition.APPEND;
      const open = { path: folder.at('file'), uploadId: randomUUID(), disposition };
      const pieces = [pieceOf('one ')];
      const part = writeStream(context, open, pieces, { finish: false });
      await ensureFails(part, UNFINISHED, 'a stream that ends without `finish`');
      const whole = [...pieces, pieceOf('two\n', 4)];
      await writeStream(context, open, whole);
      await writeStream(context, open, whole);
      ensureEqual(await folder.sh('cat file'), 'old\none two\n', 'what is in the file');
    },
  },
  {
    id: 'UPLOAD-11',
    title: 'What was not finished is removed with its session',
    clause: 'WriteFileOpen.upload_id',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const sessionId = await context.createSession();
      const open = { sessionId, path: folder.at('file'), uploadId: randomUUID() };
      const call = writeStream(context, open, [pieceOf('some ')], { finish: false });
      await ensureFails(call, UNFINISHED, 'a stream that ends without `finish`');
      await context.sessions.closeSession({ sessionId });
      // It is gone with the session, or soon.
      let left = await folder.names();
      for (let i = 0; left !== '' && i < LOOKS; i++) left = await folder.names();
      ensureEqual(left, '', 'what is there');
    },
  },
  {
    id: 'UPLOAD-12',
    title: 'An upload belongs to its session',
    clause: 'GetUploadRequest.session_id',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const [path, uploadId] = [folder.at('file'), randomUUID()];
      await sendPart(context, { path, uploadId, text: '01234' });
      const sessionId = await context.createSession();
      const other = context.files.getUpload({ sessionId, uploadId });
      await ensureFails(other, NOT_FOUND, 'GetUpload in another session');
      const call = writeStream(context, { sessionId, path, uploadId }, [pieceOf('5', 5)]);
      await ensureFails(call, 'OUT_OF_RANGE/UPLOAD_OFFSET_GAP', 'to go on in another session');
    },
  },
];

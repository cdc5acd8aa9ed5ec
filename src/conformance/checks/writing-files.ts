import { createHash } from 'node:crypto';
import { WriteDisposition } from '../../gen/runlet/v1/file_pb.ts';
import { ensure, ensureEqual, ensureFails, ensureInvalid } from '../assert.ts';
import type { Check } from '../check.ts';
import { LivePieces, statOf, untilAccepted, write, writeStream } from '../file-calls.ts';
import { pieceOf } from '../file-streams.ts';

const { APPEND, CREATE_NEW, IN_PLACE } = WriteDisposition;

/** A value that no enum has. */
const UNKNOWN: number = 99;

const MISMATCH = 'DATA_LOSS/CHECKSUM_MISMATCH';

function sha256Of(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Writing files. */
export const writingFiles: readonly Check[] = [
  {
    id: 'FWRITE-01',
    title: 'A new file has what was sent, and a mode of 0666 less the umask',
    clause: 'FileService.WriteFile',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const path = folder.at('file');
      const pieces = [pieceOf('some '), pieceOf('content', 5)];
      const { file, sha256 } = await writeStream(context, { path }, pieces);
      ensureEqual([file?.path, file?.size], [path, 12n], 'the file');
      ensureEqual(Buffer.from(sha256), sha256Of('some content'), 'sha256');
      ensureEqual(await folder.sh('cat file'), 'some content', 'what is in it');
      const umask = Number.parseInt(await context.outputOf(['/bin/sh', '-c', 'umask']), 8);
      ensureEqual(file?.mode, 0o666 & ~umask, 'its mode');
    },
  },
  {
    id: 'FWRITE-02',
    title: 'What is replaced is another file: who has it open, or another name of it, keeps it',
    clause: 'WRITE_DISPOSITION_REPLACE',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('echo old > file; ln file other');
      await write(context, folder.at('file'), 'new\n');
      ensureEqual(await folder.sh('cat file other'), 'new\nold\n', 'the file and the old one');
    },
  },
  {
    id: 'FWRITE-03',
    title: 'A file keeps its mode when it is replaced, unless another is asked for',
    clause: 'WriteFileOpen.mode',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(': > file; chmod 751 file');
      const kept = await write(context, folder.at('file'), 'new');
      ensureEqual(kept.file?.mode, 0o751, 'the mode of what is replaced');
      const given = await write(context, folder.at('file'), 'new', { mode: 0o604 });
      ensureEqual(given.file?.mode, 0o604, 'one that is asked for');
      const fresh = await write(context, folder.at('fresh'), 'new', { mode: 0o666 });
      ensureEqual(fresh.file?.mode, 0o666, 'one of a new file, whatever the umask');
    },
  },
  {
    id: 'FWRITE-04',
    title: 'Until the end of a replacement there is what was there before',
    clause: 'WriteFileRequest.finish',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('echo old > file');
      const under = ['file', 'fresh'].map((name) => {
        const [pieces, uploadId] = [new LivePieces(), crypto.randomUUID()];
        const written = writeStream(context, { path: folder.at(name), uploadId }, pieces);
        pieces.give(pieceOf('new\n'));
        return { pieces, uploadId, written };
      });
      for (const { uploadId } of under) await untilAccepted(context, uploadId, 4);
      const before = await folder.sh('cat file; test ! -e fresh');
      ensureEqual(before, 'old\n', 'what is there before the end');
      for (const { pieces, written } of under) {
        pieces.end();
        await written;
      }
      ensureEqual(await folder.sh('cat file fresh'), 'new\nnew\n', 'what is there after it');
    },
  },
  {
    id: 'FWRITE-05',
    title: 'A file that must be new is not written where there is one',
    clause: 'WRITE_DISPOSITION_CREATE_NEW',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('echo old > file; ln -s nothing link');
      for (const name of ['file', 'link']) {
        const call = write(context, folder.at(name), 'new\n', { disposition: CREATE_NEW });
        await ensureFails(call, 'ALREADY_EXISTS/FILE_EXISTS', `where there is a ${name}`);
      }
      ensureEqual(await folder.sh('cat file'), 'old\n', 'the file that is there');
      await write(context, folder.at('fresh'), 'new\n', { disposition: CREATE_NEW });
      ensureEqual(await folder.names(), 'file fresh link', 'what is there');
    },
  },
  {
    id: 'FWRITE-06',
    title: 'A file that is written in place is the same, and what it had more is cut off',
    clause: 'WRITE_DISPOSITION_IN_PLACE',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('echo much longer > file; ln file other');
      await write(context, folder.at('file'), 'new\n', { disposition: IN_PLACE });
      ensureEqual(await folder.sh('cat file other'), 'new\nnew\n', 'both names of it');
      await write(context, folder.at('fresh'), 'new\n', { disposition: IN_PLACE });
      ensureEqual(await folder.sh('cat fresh'), 'new\n', 'one that was not there');
    },
  },
  {
    id: 'FWRITE-07',
    title: 'To append needs an `upload_id`, and writes at the end',
    clause: 'WRITE_DISPOSITION_APPEND',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('echo old > file; ln file other');
      const open = { disposition: APPEND };
      const without = write(context, folder.at('file'), 'new\n', open);
      await ensureInvalid(without, /upload_id$/, 'to append without an upload_id');
      const uploadId = crypto.randomUUID();
      await write(context, folder.at('file'), 'new\n', { ...open, uploadId });
      ensureEqual(await folder.sh('cat other'), 'old\nnew\n', 'what is in it');
    },
  },
  {
    id: 'FWRITE-08',
    title: 'Folders on the way are made where that is asked for, and not else',
    clause: 'WriteFileOpen.parents',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const path = folder.at('a/b/file');
      await ensureFails(write(context, path, 'x'), 'NOT_FOUND/FILE_NOT_FOUND', 'without parents');
      ensureEqual(await folder.names(), '', 'what is there then');
      await write(context, path, 'x', { parents: true });
      ensureEqual(await folder.names(), 'a a/b a/b/file', 'what is there');
    },
  },
  {
    id: 'FWRITE-09',
    title: 'A file that has not the version that was asked for is not written',
    clause: 'WriteFileOpen.if_version',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('echo old > file');
      const { version: ifVersion } = await statOf(context, folder.at('file'));
      const { file } = await write(context, folder.at('file'), 'new\n', { ifVersion });
      const mismatch = 'FAILED_PRECONDITION/VERSION_MISMATCH';
      for (const name of ['file', 'nothing']) {
        const call = write(context, folder.at(name), 'newer\n', { ifVersion });
        await ensureFails(call, mismatch, `the version of before, of ${name}`);
      }
      ensureEqual(await folder.sh('cat *'), 'new\n', 'what is there');
      const told = file?.version ?? '';
      await write(context, folder.at('file'), 'newest\n', { ifVersion: told });
      ensureEqual(await folder.sh('cat *'), 'newest\n', 'with the version that the answer told');
    },
  },
  {
    id: 'FWRITE-10',
    title: 'What has not the hash or the size that was named changes nothing',
    clause: 'ERROR_REASON_CHECKSUM_MISMATCH',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('echo old > file');
      const path = folder.at('file');
      const right = { sha256: sha256Of('new\n'), size: 4n };
      for (const wrong of [{ sha256: sha256Of('old\n') }, { size: 5n }, { size: 3n }]) {
        const call = write(context, path, 'new\n', { ...right, ...wrong });
        await ensureFails(call, MISMATCH, `a wrong ${Object.keys(wrong)[0]}`);
      }
      ensureEqual(await folder.sh('cat file; ls -A'), 'old\nfile\n', 'what is there');
      await write(context, path, 'new\n', right);
      ensureEqual(await folder.sh('cat file'), 'new\n', 'what is written with the right ones');
    },
  },
  {
    id: 'FWRITE-11',
    title: 'A stream that ends without `finish` changes nothing, and leaves nothing',
    clause: 'ERROR_REASON_UPLOAD_UNFINISHED',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('echo old > file');
      for (const name of ['file', 'fresh']) {
        const pieces = [pieceOf('new\n')];
        const open = { path: folder.at(name) };
        const call = writeStream(context, open, pieces, { finish: false });
        await ensureFails(call, 'FAILED_PRECONDITION/UPLOAD_UNFINISHED', `the stream to ${name}`);
      }
      ensureEqual(await folder.sh('cat file; ls -A'), 'old\nfile\n', 'what is there');
    },
  },
  {
    id: 'FWRITE-12',
    title: 'A link stays, and its target is what is written',
    clause: 'WriteFileOpen.path',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir a; echo old > a/file; ln -s a/file link');
      await write(context, folder.at('link'), 'new\n');
      const found = await folder.sh('cat a/file; test -L link && ls -A a');
      ensureEqual(found, 'new\nfile\n', 'the target, and what is beside it');
    },
  },
  {
    id: 'FWRITE-13',
    title: 'A folder and a FIFO are not written, and the FIFO is not opened',
    clause: 'ERROR_REASON_NOT_A_REGULAR_FILE',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir below; mkfifo fifo');
      for (const disposition of [WriteDisposition.REPLACE, IN_PLACE]) {
        const onFolder = write(context, folder.at('below'), 'x', { disposition });
        await ensureFails(onFolder, 'FAILED_PRECONDITION/IS_A_DIRECTORY', 'a folder');
        const onFifo = write(context, folder.at('fifo'), 'x', { disposition });
        await ensureFails(onFifo, 'FAILED_PRECONDITION/NOT_A_REGULAR_FILE', 'a FIFO');
      }
      ensureEqual(await folder.names(), 'below fifo', 'what is there');
    },
  },
  {
    id: 'FWRITE-14',
    title: 'The file that the answer tells is that of the next look at it',
    clause: 'WriteFileResponse.file',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const { file } = await write(context, folder.at('file'), 'content', { sync: true });
      const { accessTime: _, ...told } = file ?? {};
      const { accessTime: __, ...found } = await statOf(context, folder.at('file'));
      ensureEqual(told, found, 'what StatFile tells');
    },
  },
  {
    id: 'FWRITE-15',
    title:
      'A stream that does not begin with `open`, or opens in a way that there is not, is refused',
    clause: 'WriteFileRequest.open',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const path = folder.at('file');
      const { files, sessionId } = context;
      const finish = { request: { case: 'finish', value: {} } } as const;
      const data = { request: { case: 'data', value: pieceOf('x') } } as const;
      async function* bare() {
        yield data;
        yield finish;
      }
      await ensureInvalid(files.writeFile(bare()), /^open$|^request$/, 'a stream without open');
      const cases: [Parameters<typeof write>[3], RegExp][] = [
        [{ disposition: UNKNOWN }, /disposition$/],
        [{ mode: 0o10000 }, /mode$/],
        [{ sha256: Buffer.from('short') }, /sha256$/],
        [{ uploadId: 'nonsense' }, /upload_id$/],
        [{ path: 'relative' }, /path$/],
        [{ sessionId: 'nonsense' }, /session_id$/],
      ];
      for (const [open, field] of cases) {
        await ensureInvalid(write(context, path, 'x', { sessionId, ...open }), field, field.source);
      }
      ensure((await folder.names()) === '', 'something was written');
    },
  },
];

import { createHash } from 'node:crypto';
import { ensure, ensureEqual, ensureFails } from '../assert.ts';
import type { Check } from '../check.ts';
import { readAll, statOf } from '../file-calls.ts';

const KIB = 1024;

/** What one message has at most. */
const PIECE_BYTES = 256 * KIB;

/** More than lies between a server and a client that reads no more. */
const LARGE = '64M';

function sha256Of(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Reading files. */
export const readingFiles: readonly Check[] = [
  {
    id: 'FREAD-01',
    title: 'A stream of a file has the file, its bytes in order, and the end with their hash',
    clause: 'FileService.ReadFile',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('printf content > file');
      const { bytes, end, file } = await readAll(context, folder.at('file'));
      ensureEqual([file.path, file.size], [folder.at('file'), 7n], 'the file');
      ensureEqual(bytes.toString(), 'content', 'its bytes');
      ensureEqual(end.bytes, 7n, 'how many came');
      ensureEqual(Buffer.from(end.sha256), sha256Of(bytes), 'sha256');
    },
  },
  {
    id: 'FREAD-02',
    title: 'A large file comes in pieces of at most 256 KiB that follow one another',
    clause: 'FileData.data',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('seq 300000 > file');
      const { bytes, end, pieces } = await readAll(context, folder.at('file'));
      const numbers = Array.from({ length: 300_000 }, (_, i) => `${i + 1}\n`).join('');
      ensure(bytes.equals(Buffer.from(numbers)), 'the bytes are others than those in the file');
      ensureEqual(Buffer.from(end.sha256), sha256Of(bytes), 'sha256');
      let at = 0n;
      for (const { data, offset } of pieces) {
        ensureEqual(offset, at, 'the offset of a piece');
        ensure(data.length <= PIECE_BYTES, `a piece has ${data.length} bytes`);
        at += BigInt(data.length);
      }
    },
  },
  {
    id: 'FREAD-03',
    title: 'A part is read from `offset`, of at most `length` bytes',
    clause: 'ReadFileRequest.length',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('printf 0123456789 > file');
      const cases = [
        [{ offset: 3n, length: 4n }, '3456'],
        [{ offset: 8n, length: 100n }, '89'],
        [{ offset: 5n }, '56789'],
        [{ length: 0n }, ''],
      ] as const;
      for (const [part, expected] of cases) {
        const { bytes, end, pieces } = await readAll(context, folder.at('file'), part);
        const { length, offset = 0n }: { length?: bigint; offset?: bigint } = part;
        const what = `offset ${offset}, length ${length}`;
        ensureEqual(bytes.toString(), expected, `the bytes of ${what}`);
        ensureEqual(pieces[0]?.offset ?? offset, offset, `where the first belongs of ${what}`);
        ensureEqual(end.bytes, BigInt(expected.length), `how many came of ${what}`);
        ensureEqual(Buffer.from(end.sha256), sha256Of(bytes), `sha256 of ${what}`);
      }
    },
  },
  {
    id: 'FREAD-04',
    title: 'Beyond the end of a file nothing comes, which is no error',
    clause: 'ReadFileRequest.offset',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('printf content > file; : > empty');
      const beyond = await readAll(context, folder.at('file'), { offset: 1_000_000n });
      ensureEqual([beyond.bytes.length, beyond.end.bytes], [0, 0n], 'what came');
      const { end } = await readAll(context, folder.at('empty'));
      ensureEqual(end.bytes, 0n, 'what came of an empty file');
      ensureEqual(Buffer.from(end.sha256), sha256Of(Buffer.alloc(0)), 'its sha256');
    },
  },
  {
    id: 'FREAD-05',
    title: 'A file that has not the version that was asked for is not read',
    clause: 'ReadFileRequest.if_version',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('printf content > file');
      const { version: ifVersion } = await statOf(context, folder.at('file'));
      const { bytes, file } = await readAll(context, folder.at('file'), { ifVersion });
      ensureEqual([bytes.toString(), file.version], ['content', ifVersion], 'with its version');
      await folder.sh('printf another > file');
      const call = readAll(context, folder.at('file'), { ifVersion });
      await ensureFails(call, 'FAILED_PRECONDITION/VERSION_MISMATCH', 'after a change');
    },
  },
  {
    id: 'FREAD-06',
    title: 'A folder is not read as a file',
    clause: 'ERROR_REASON_IS_A_DIRECTORY',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const call = readAll(context, folder.path);
      await ensureFails(call, 'FAILED_PRECONDITION/IS_A_DIRECTORY', 'ReadFile');
    },
  },
  {
    id: 'FREAD-07',
    title: 'A FIFO is refused at once, and not opened',
    clause: 'ERROR_REASON_NOT_A_REGULAR_FILE',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkfifo fifo');
      const script = 'echo ready; exec 3> fifo; echo opened';
      const writer = await context.startShell(script, { cwd: folder.path });
      const events = context.watch(writer);
      await events.untilOutput('ready');
      const call = readAll(context, folder.at('fifo'));
      await ensureFails(call, 'FAILED_PRECONDITION/NOT_A_REGULAR_FILE', 'ReadFile');
      // This is who opens it.
      await folder.sh('touch taken; cat fifo');
      await events.untilOutput('opened');
      ensureEqual(await folder.names(), 'fifo taken', 'what is there');
    },
  },
  {
    id: 'FREAD-08',
    title: 'A link is followed',
    clause: 'ReadFileRequest.path',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('printf content > file; ln -s file link');
      const { bytes } = await readAll(context, folder.at('link'));
      ensureEqual(bytes.toString(), 'content', 'what is read by the link');
    },
  },
  {
    id: 'FREAD-09',
    title: 'A file of proc(5) that has no size is read to its end',
    clause: 'ReadFileEnd.bytes',
    needs: ['files', 'unconfined'],
    async run(context) {
      const expected = await context.outputOf(['/bin/sh', '-c', 'cat /proc/version']);
      const { bytes, end } = await readAll(context, '/proc/version');
      ensureEqual(bytes.toString(), expected, 'what is read');
      ensureEqual(end.bytes, BigInt(bytes.length), 'how many bytes are said to have come');
    },
  },
  {
    id: 'FREAD-10',
    title: 'A file that is cut while it is read fails the call, and nothing else is passed off',
    clause: 'ERROR_REASON_FILE_CHANGED',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(`truncate -s ${LARGE} file`);
      const { files, sessionId } = context;
      const path = folder.at('file');
      const stream = files.readFile({ sessionId, path })[Symbol.asyncIterator]();
      // The client reads no more, so that the rest is not on its way yet.
      await stream.next();
      await folder.sh('printf short > file');
      const rest = async (): Promise<void> => {
        while ((await stream.next()).done !== true);
      };
      await ensureFails(rest(), 'ABORTED/FILE_CHANGED', 'the stream');
    },
  },
  {
    id: 'FREAD-11',
    title: 'A file that grows while it is read is read to where it ended',
    clause: 'ReadFileResponse.end',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('printf content > file');
      const writer = 'while sleep 0.01; do echo more >> file; done';
      const target = await context.startShell(writer, { cwd: folder.path });
      for (let i = 0; i < 20; i++) {
        const { bytes, end, file } = await readAll(context, folder.at('file'));
        ensureEqual(end.bytes, BigInt(bytes.length), 'how many bytes are said to have come');
        ensureEqual(end.bytes, file.size, 'the size that it had when it was opened');
      }
      await context.processes.terminateProcess(target);
    },
  },
];

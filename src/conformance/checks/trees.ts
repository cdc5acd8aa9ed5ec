import { randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ReadTreeRequestSchema, WriteTreeResponse } from '../../gen/runlet/v1/file_pb.ts';
import { ensure, ensureEqual, ensureFails } from '../assert.ts';
import type { Check } from '../check.ts';
import { handled } from '../clients.ts';
import type { CheckContext } from '../context.ts';
import { statOf } from '../file-calls.ts';
import { type TreeOpen, unpacking } from '../file-streams.ts';
import { ARCHIVE_END, archiveOf, type Member } from '../tar-members.ts';

type ReadInit = MessageInitShape<typeof ReadTreeRequestSchema> & { $typeName?: never };

/** @throws ConformanceError unless the last message, and no other, has `end` */
async function readTree(
  { files, sessionId }: CheckContext,
  path: string,
  init: ReadInit = {},
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let ended = false;
  for await (const { data, end } of files.readTree({ sessionId, path, ...init })) {
    ensure(!ended, 'something came after `end`');
    parts.push(data);
    ended = end;
  }
  ensure(ended, 'the stream ended without `end`');
  return Buffer.concat(parts);
}

function unpack(
  { files, sessionId }: CheckContext,
  open: TreeOpen,
  archive: Uint8Array,
  options: { readonly finish?: boolean } = {},
): Promise<WriteTreeResponse> {
  const middle = Math.floor(archive.length / 2);
  const pieces = [archive.subarray(0, middle), archive.subarray(middle)];
  return handled(files.writeTree(unpacking({ sessionId, ...open }, pieces, options)));
}

/** The names of members, in their order: no name here is longer than that of a header. */
function namesIn(archive: Buffer): readonly string[] {
  const names: string[] = [];
  for (let at = 0; at < archive.length; ) {
    const text = (from: number, length: number): string =>
      archive.toString('latin1', at + from, at + from + length).replace(/\0.*$/s, '');
    if (text(0, 100) === '') break;
    ensureEqual(text(257, 5), 'ustar', 'the magic of a header');
    const type = text(156, 1);
    if (type !== 'x' && type !== 'g') names.push(text(0, 100));
    at += 512 * (1 + Math.ceil(Number.parseInt(text(124, 12), 8) / 512));
  }
  return names;
}

const TREE =
  'mkdir -p a/b/empty; printf content > a/b/file; chmod 751 a/b/file; ln a/b/file a/hard; ln -s b/file a/link; TZ=UTC0 touch -t 200102030405.06 a/b/file';

/** Folders as archives. */
export const trees: readonly Check[] = [
  {
    id: 'TREE-01',
    title: 'A folder goes through an archive with files, folders, links, modes and times',
    clause: 'FileService.WriteTree',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(TREE);
      const archive = await readTree(context, folder.at('a'));
      await unpack(context, { path: folder.at('copy') }, archive);
      const expected = 'copy copy/b copy/b/empty copy/b/file copy/hard copy/link';
      const before = 'a a/b a/b/empty a/b/file a/hard a/link';
      ensureEqual(await folder.names(), `${before} ${expected}`, 'what is there');
      const file = await statOf(context, folder.at('copy/b/file'));
      ensureEqual([file.mode, file.size, file.linkCount], [0o751, 7n, 2n], 'the file');
      ensureEqual(file.modifyTime?.seconds, 981_173_106n, 'its time');
      const link = await statOf(context, folder.at('copy/link'), { noFollow: true });
      ensureEqual(link.linkTarget, 'b/file', 'where the link leads');
      ensureEqual(await folder.sh('cat copy/hard'), 'content', 'what is in the file');
    },
  },
  {
    id: 'TREE-02',
    title: 'An archive begins with the folder itself, and has names relative to it',
    clause: 'FileService.ReadTree',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(TREE);
      const archive = await readTree(context, folder.at('a'));
      const names = namesIn(archive);
      ensureEqual(names[0], './', 'the first member');
      const expected = ['./', 'b/', 'b/empty/', 'b/file', 'hard', 'link'];
      const plain = names.map((name) => name.replace(/^\.\/(?=.)/, ''));
      ensureEqual(plain.toSorted(), expected, 'the members');
    },
  },
  {
    id: 'TREE-03',
    title: 'An archive has what matches, without what is left out',
    clause: 'ReadTreeRequest.include',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir -p a/b a/c; : > a/b/x; : > a/b/y; : > a/c/x');
      const include = ['**/x'];
      const archive = await readTree(context, folder.at('a'), { include, exclude: ['c'] });
      const names = namesIn(archive).join(' ');
      ensure(names.includes('b/x'), `b/x is not among the members: ${names}`);
      for (const none of ['b/y', 'c/']) ensure(!names.includes(none), `${none} is a member`);
    },
  },
  {
    id: 'TREE-04',
    title: 'A folder with a FIFO is no archive, and a member that is one is refused',
    clause: 'ERROR_REASON_NOT_A_REGULAR_FILE',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir a; : > a/file; mkfifo a/fifo');
      const expected = 'FAILED_PRECONDITION/NOT_A_REGULAR_FILE';
      await ensureFails(readTree(context, folder.at('a')), expected, 'ReadTree');
      const archive = archiveOf({ name: 'file' }, { name: 'fifo', type: '6' });
      await ensureFails(unpack(context, { path: folder.at('b') }, archive), expected, 'WriteTree');
      ensureEqual(await folder.names(), 'a a/fifo a/file', 'what is there');
    },
  },
  {
    id: 'TREE-05',
    title: 'A member that would be elsewhere is refused, and nothing is written',
    clause: 'ERROR_REASON_OUTSIDE_ROOT',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir outside');
      const link: Member = { name: 'link', type: '2', linkName: '../outside' };
      const cases: Readonly<Record<string, readonly Member[]>> = {
        absolute: [{ name: folder.at('outside/x'), content: 'x' }],
        'with ..': [{ name: '../outside/x', content: 'x' }],
        'with .. in the middle': [{ name: 'a', type: '5' }, { name: 'a/../../outside/x' }],
        'below a link': [link, { name: 'link/x', content: 'x' }],
        'an absolute link': [{ ...link, linkName: folder.at('outside') }, { name: 'link/x' }],
      };
      for (const [what, members] of Object.entries(cases)) {
        const call = unpack(context, { path: folder.at('target') }, archiveOf(...members));
        await ensureFails(call, 'PERMISSION_DENIED/OUTSIDE_ROOT', what);
        ensureEqual(await folder.names(), 'outside', `what is there after one ${what}`);
      }
    },
  },
  {
    id: 'TREE-06',
    title: 'What is there already stays, unless files may be replaced',
    clause: 'WriteTreeOpen.replace',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir a; echo old > a/file; echo kept > a/kept');
      const path = folder.at('a');
      const archive = archiveOf({ name: 'first' }, { name: 'file', content: 'new\n' });
      const exists = 'ALREADY_EXISTS/FILE_EXISTS';
      await ensureFails(unpack(context, { path }, archive), exists, 'without `replace`');
      ensureEqual(await folder.sh('cat a/*'), 'old\nkept\n', 'what is there then');
      await unpack(context, { path, replace: true }, archive);
      ensureEqual(await folder.sh('cat a/*'), 'new\nkept\n', 'what is there at the end');
    },
  },
  {
    id: 'TREE-07',
    title: 'No folder replaces a file, nor a file a folder',
    clause: 'ERROR_REASON_FILE_EXISTS',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir -p a/folder; echo old > a/file');
      const cases: readonly Member[] = [
        { name: 'file', type: '5' },
        { name: 'folder', content: 'new' },
      ];
      for (const member of cases) {
        const call = unpack(context, { path: folder.at('a'), replace: true }, archiveOf(member));
        await ensureFails(call, 'ALREADY_EXISTS/FILE_EXISTS', `another ${member.name}`);
      }
      ensureEqual(await folder.sh('cat a/file; test -d a/folder'), 'old\n', 'what is there');
    },
  },
  {
    id: 'TREE-08',
    title: 'Of an archive that is cut, or a stream without `finish`, nothing is written',
    clause: 'ERROR_REASON_UPLOAD_UNFINISHED',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const open = { path: folder.at('a') };
      const archive = archiveOf({ name: 'file', content: 'x'.repeat(5_000) });
      const unfinished = 'FAILED_PRECONDITION/UPLOAD_UNFINISHED';
      const without = unpack(context, open, archive, { finish: false });
      await ensureFails(without, unfinished, 'without `finish`');
      const cut = unpack(context, open, archive.subarray(0, 3_000));
      await ensureFails(cut, unfinished, 'an archive that is cut');
      ensureEqual(await folder.names(), '', 'what is there');
    },
  },
  {
    id: 'TREE-09',
    title: 'What is no archive is refused',
    clause: 'WriteTreeRequest.data',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const open = { path: folder.at('a') };
      const call = unpack(context, open, Buffer.alloc(4_096, 'no archive '));
      await ensureFails(call, 'INVALID_ARGUMENT/INVALID_REQUEST', 'WriteTree');
      ensureEqual(await folder.names(), '', 'what is there');
    },
  },
  {
    id: 'TREE-10',
    title: 'How many members there were is told, and how many bytes; an empty archive is one',
    clause: 'WriteTreeResponse.entries',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const archive = archiveOf(
        { name: 'a/', type: '5' },
        { name: 'a/file', content: 'content' },
        { name: 'hard', type: '1', linkName: 'a/file' },
        { name: 'link', type: '2', linkName: 'nothing' },
      );
      const { bytes, entries } = await unpack(context, { path: folder.at('b') }, archive);
      ensureEqual([entries, bytes], [4n, 7n], 'members and bytes');
      ensureEqual(await folder.names(), 'b b/a b/a/file b/hard b/link', 'what is there');
      const empty = await unpack(context, { path: folder.at('empty') }, ARCHIVE_END);
      ensureEqual([empty.entries, empty.bytes], [0n, 0n], 'those of an empty archive');
    },
  },
  {
    id: 'TREE-11',
    title: 'An archive that is sent again with its `request_id` is unpacked once',
    clause: 'WriteTreeOpen.request_id',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const open = { path: folder.at('a'), replace: true, requestId: randomUUID() };
      const archive = archiveOf({ name: 'file', content: 'content' });
      const first = await unpack(context, open, archive);
      await folder.sh('echo changed > a/file');
      ensureEqual(await unpack(context, open, archive), first, 'the answer to the repeat');
      ensureEqual(await folder.sh('cat a/file'), 'changed\n', 'what is there');
    },
  },
  {
    id: 'TREE-12',
    title: 'A hard link leads to a member before it, and to nothing else',
    clause: 'WriteTreeRequest',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir outside; : > outside/x');
      for (const linkName of ['none', '../outside/x', folder.at('outside/x')]) {
        const archive = archiveOf({ name: 'hard', type: '1', linkName });
        const call = unpack(context, { path: folder.at('a') }, archive);
        const expected =
          linkName === 'none'
            ? 'FAILED_PRECONDITION/NOT_A_REGULAR_FILE'
            : 'PERMISSION_DENIED/OUTSIDE_ROOT';
        await ensureFails(call, expected, `a hard link to ${linkName}`);
      }
      ensureEqual(await folder.names(), 'outside outside/x', 'what is there');
    },
  },
];

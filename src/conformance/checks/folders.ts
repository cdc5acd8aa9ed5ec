import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type File,
  FileKind,
  type WalkDirectoryRequestSchema,
  type WalkSummary,
} from '../../gen/runlet/v1/file_pb.ts';
import { ensure, ensureEqual, ensureFails } from '../assert.ts';
import type { Check } from '../check.ts';
import type { CheckFolder } from '../check-folder.ts';
import type { CheckContext } from '../context.ts';
import { listed } from '../file-calls.ts';

type WalkInit = MessageInitShape<typeof WalkDirectoryRequestSchema> & { $typeName?: never };

interface Walk {
  /** Paths below the start, in the order in which they came, with spaces. */
  readonly names: string;
  readonly entries: readonly File[];
  readonly summary: WalkSummary;
}

/** @throws ConformanceError unless `summary` is in the last message, once */
async function walk(context: CheckContext, folder: CheckFolder, init: WalkInit): Promise<Walk> {
  const { files, sessionId } = context;
  const entries: File[] = [];
  let summary: WalkSummary | undefined;
  for await (const message of files.walkDirectory({ sessionId, path: folder.path, ...init })) {
    ensure(summary === undefined, 'something came after `summary`');
    entries.push(...message.files);
    summary = message.summary;
  }
  ensure(summary !== undefined, 'the stream ended without `summary`');
  const names = entries.map(({ path }) => path.slice(folder.path.length + 1)).join(' ');
  return { names, entries, summary };
}

const TREE = 'mkdir -p a/deep b; : > a/x.txt; : > a/deep/y.txt; : > b/z; : > top.txt; : > Top';

/** Listing and walking folders. */
export const folders: readonly Check[] = [
  {
    id: 'FOLDER-01',
    title: 'A folder is listed with all that is in it, links as links, without `.` and `..`',
    clause: 'FileService.ListDirectory',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(
        'mkdir below; : > below/deep; : > .hidden; ln -s below link; printf 1 > file',
      );
      const found = await listed(context, folder.path);
      const kinds = found.map(({ kind, path }) => `${path} ${FileKind[kind]}`).sort();
      const expected = ['.hidden REGULAR', 'below DIRECTORY', 'file REGULAR', 'link SYMLINK'];
      ensureEqual(
        kinds,
        expected.map((line) => folder.at(line)),
        'what is in it',
      );
      const link = found.find(({ kind }) => kind === FileKind.SYMLINK);
      ensureEqual(link?.linkTarget, 'below', 'where the link leads');
    },
  },
  {
    id: 'FOLDER-02',
    title: 'What is in a large folder comes once',
    clause: 'ListDirectoryResponse.files',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('for i in $(seq 1500); do : > "f$i"; done');
      const names = (await listed(context, folder.path)).map(({ path }) => path).sort();
      const expected = Array.from({ length: 1_500 }, (_, i) => folder.at(`f${i + 1}`)).sort();
      ensureEqual(names.length, expected.length, 'how many came');
      ensureEqual(names, expected, 'their paths');
    },
  },
  {
    id: 'FOLDER-03',
    title: 'An empty folder has nothing; a file is not listed, nor is what is not there',
    clause: 'ERROR_REASON_NOT_A_DIRECTORY',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir empty; : > file; ln -s empty link');
      ensureEqual(await listed(context, folder.at('empty')), [], 'what is in it');
      ensureEqual(await listed(context, folder.at('link')), [], 'the same by a link');
      const file = listed(context, folder.at('file'));
      await ensureFails(file, 'FAILED_PRECONDITION/NOT_A_DIRECTORY', 'ListDirectory of a file');
      const none = listed(context, folder.at('none'));
      await ensureFails(none, 'NOT_FOUND/FILE_NOT_FOUND', 'ListDirectory of nothing');
    },
  },
  {
    id: 'FOLDER-04',
    title:
      'A walk goes breadth first, each folder sorted by the bytes of names, and ends with a summary',
    clause: 'FileService.WalkDirectory',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(TREE);
      const { names, summary } = await walk(context, folder, {});
      const expected = 'Top a b top.txt a/deep a/x.txt b/z a/deep/y.txt';
      ensureEqual(names, expected, 'the entries');
      ensureEqual([summary.entries, summary.truncated], [8n, false], 'the summary');
    },
  },
  {
    id: 'FOLDER-05',
    title: 'A walk goes no deeper than `max_depth`',
    clause: 'WalkDirectoryRequest.max_depth',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(TREE);
      const one = await walk(context, folder, { maxDepth: 1 });
      ensureEqual(one.names, 'Top a b top.txt', 'the entries of depth 1');
      const two = await walk(context, folder, { maxDepth: 2 });
      ensureEqual(two.names, 'Top a b top.txt a/deep a/x.txt b/z', 'those of depth 2');
      ensureEqual(two.summary.truncated, false, 'whether that is truncated');
    },
  },
  {
    id: 'FOLDER-06',
    title: 'A walk has no more than `max_entries`, and says that there are more',
    clause: 'WalkSummary.truncated',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(TREE);
      const { names, summary } = await walk(context, folder, { maxEntries: 3n });
      ensureEqual(names, 'Top a b', 'the entries');
      ensureEqual([summary.entries, summary.truncated], [3n, true], 'the summary');
      const all = await walk(context, folder, { maxEntries: 8n });
      ensureEqual(all.summary.truncated, false, 'whether one with room for all is truncated');
    },
  },
  {
    id: 'FOLDER-07',
    title: 'Of a walk come those that match; folders that do not are entered all the same',
    clause: 'WalkDirectoryRequest.include',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(TREE);
      const cases: [string[], string][] = [
        [['**/*.txt'], 'top.txt a/x.txt a/deep/y.txt'],
        [['*.txt'], 'top.txt'],
        [['a/?.txt', 'b/*'], 'a/x.txt b/z'],
        [['[tT]op'], 'Top'],
        [['\\*'], ''],
      ];
      for (const [include, expected] of cases) {
        const { names, summary } = await walk(context, folder, { include });
        ensureEqual(names, expected, `those that match ${include.join(', ')}`);
        const count = expected === '' ? 0 : expected.split(' ').length;
        ensureEqual(summary.entries, BigInt(count), `how many match ${include.join(', ')}`);
      }
    },
  },
  {
    id: 'FOLDER-08',
    title: 'What is left out of a walk is left out with all that is below it',
    clause: 'WalkDirectoryRequest.exclude',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(TREE);
      const { names } = await walk(context, folder, { exclude: ['a/deep', 'T*'] });
      ensureEqual(names, 'a b top.txt a/x.txt b/z', 'the entries');
    },
  },
  {
    id: 'FOLDER-09',
    title: 'A walk follows links where that is asked for, and enters a folder once',
    clause: 'WalkDirectoryRequest.follow_symlinks',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir a; : > a/x; ln -s a b; ln -s .. a/up');
      const followed = await walk(context, folder, { followSymlinks: true });
      ensureEqual(followed.names, 'a b a/up a/x', 'the entries');
      const folderKinds = followed.entries.filter(({ kind }) => kind === FileKind.DIRECTORY);
      ensureEqual(folderKinds.length, 3, 'how many of them are described as folders');
    },
  },
  {
    id: 'FOLDER-10',
    title: 'A walk describes links as links else, and does not enter them',
    clause: 'WalkDirectoryResponse.files',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir z; : > z/x; ln -s z link; ln -s .. z/up');
      const { entries, names } = await walk(context, folder, {});
      ensureEqual(names, 'link z z/up z/x', 'the entries');
      ensureEqual(entries[0]?.kind, FileKind.SYMLINK, 'the kind of the link');
      ensureEqual(entries[0]?.linkTarget, 'z', 'where it leads');
    },
  },
];

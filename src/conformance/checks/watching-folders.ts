import { durationMs } from '@bufbuild/protobuf/wkt';
import { ChangeKind, type FileChange } from '../../gen/runlet/v1/file_pb.ts';
import { ensure, ensureEqual, ensureFails } from '../assert.ts';
import type { Check } from '../check.ts';
import type { CheckFolder } from '../check-folder.ts';
import { Watched } from '../file-calls.ts';

/** So many intervals of silence are waited for, one of which has to bring a heartbeat. */
const INTERVALS = 3;

/** Changes in short, `CREATED file`, those that follow one another and are alike once. */
function summary(folder: CheckFolder, changes: readonly FileChange[]): string[] {
  const below = (path: string): string => path.slice(folder.path.length + 1);
  const lines = changes.map(({ fromPath, kind, path }) => {
    const from = fromPath === '' ? '' : `${below(fromPath)} `;
    return `${ChangeKind[kind]} ${from}${below(path)}`;
  });
  return lines.filter((line, i) => line !== lines[i - 1]);
}

/** Watches, does something, and returns what came until a file with the name `last` was made. */
async function changesOf(
  watched: Watched,
  folder: CheckFolder,
  script: string,
): Promise<readonly string[]> {
  await folder.sh(`${script}; : > last`);
  const isLast = ({ path }: FileChange): boolean => path === folder.at('last');
  const changes = await watched.until(isLast, '`last` was made');
  await watched.leave();
  return summary(folder, changes.slice(0, -1));
}

/** Watching folders. */
export const watchingFolders: readonly Check[] = [
  {
    id: 'FWATCH-01',
    title: 'What is made, written and removed in a watched folder is told, in its order',
    clause: 'FileService.WatchDirectory',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(': > there');
      const watched = await Watched.start(context, folder.path);
      const script = 'echo 1 > there; mkdir below; rm there';
      const changes = await changesOf(watched, folder, script);
      const expected = ['MODIFIED there', 'CREATED below', 'REMOVED there'];
      ensureEqual(changes, expected, 'the changes');
    },
  },
  {
    id: 'FWATCH-02',
    title: 'A file that is moved in a watched folder is told with both of its paths',
    clause: 'CHANGE_KIND_MOVED',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(': > one; : > old');
      const watched = await Watched.start(context, folder.path);
      const changes = await changesOf(watched, folder, 'mv one two; mv two old');
      ensureEqual(changes, ['MOVED one two', 'MOVED two old'], 'the changes');
    },
  },
  {
    id: 'FWATCH-03',
    title: 'What is moved out of a watched folder is removed, what is moved into it made',
    clause: 'CHANGE_KIND_REMOVED',
    needs: 'files',
    async run(context) {
      const outside = await context.makeFolder(': > in');
      const folder = await context.makeFolder(': > out');
      const watched = await Watched.start(context, folder.path);
      const script = `mv out '${outside.path}/out'; mv '${outside.path}/in' in`;
      const changes = await changesOf(watched, folder, script);
      ensureEqual(changes, ['REMOVED out', 'CREATED in'], 'the changes');
    },
  },
  {
    id: 'FWATCH-04',
    title: 'A change of a mode is told',
    clause: 'CHANGE_KIND_ATTRIBUTES',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(': > file');
      const watched = await Watched.start(context, folder.path);
      const changes = await changesOf(watched, folder, 'chmod 600 file');
      ensureEqual(changes, ['ATTRIBUTES file'], 'the changes');
    },
  },
  {
    id: 'FWATCH-05',
    title:
      'With `recursive` folders below are watched, those too that appear, with what is in them',
    clause: 'WatchDirectoryRequest.recursive',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir -p a/b; : > a/b/there');
      const watched = await Watched.start(context, folder.path, { recursive: true });
      const script = 'rm a/b/there; mkdir -p new/deep; : > new/deep/file';
      const changes = await changesOf(watched, folder, script);
      const expected = [
        'REMOVED a/b/there',
        'CREATED new',
        'CREATED new/deep',
        'CREATED new/deep/file',
      ];
      // What is made while a folder begins to be watched may be told twice.
      for (const change of expected) {
        ensure(changes.includes(change), `"${change}" is not among: ${changes.join(', ')}`);
      }
    },
  },
  {
    id: 'FWATCH-06',
    title: 'Without it what happens in folders below is not told',
    clause: 'WatchDirectoryRequest.path',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir a; ln -s a link');
      const watched = await Watched.start(context, folder.path);
      const changes = await changesOf(watched, folder, ': > a/file; : > link/other; : > file');
      ensureEqual(changes, ['CREATED file'], 'the changes');
    },
  },
  {
    id: 'FWATCH-07',
    title: 'The end of a watched folder is the last change, and ends the stream',
    clause: 'FileChange.kind',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder('mkdir a; : > a/file');
      const watched = await Watched.start(context, folder.at('a'));
      await folder.sh('rm -r a');
      const isOwn = ({ path }: FileChange): boolean => path === folder.at('a');
      const changes = await watched.until(
        (change) => isOwn(change) && change.kind === ChangeKind.REMOVED,
        'its own end was told',
      );
      ensureEqual(changes.filter(({ kind }) => kind === ChangeKind.REMOVED).length, 2, 'removals');
      ensureEqual(await watched.next(), undefined, 'what comes after it');
    },
  },
  {
    id: 'FWATCH-08',
    title: 'Names that are no UTF-8 are told as bytes',
    clause: 'FileChange.raw_path',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder();
      const watched = await Watched.start(context, folder.path);
      await folder.sh(`cd .; mkdir "$(printf 'odd\\377')"; mv odd* "$(printf 'o\\376')"`);
      const first = await watched.next();
      const odd = folder.rawAt(Buffer.from('odd\xff', 'latin1'));
      ensureEqual(Buffer.from(first?.rawPath ?? []), odd, 'raw_path');
      const second = await watched.next();
      ensureEqual(Buffer.from(second?.rawFromPath ?? []), odd, 'raw_from_path');
      await watched.leave();
    },
  },
  {
    id: 'FWATCH-09',
    title: 'What is no folder, or not there, is not watched',
    clause: 'WatchDirectoryRequest.raw_path',
    needs: 'files',
    async run(context) {
      const folder = await context.makeFolder(': > file');
      const watch = (name: string) => Watched.start(context, folder.at(name));
      await ensureFails(watch('file'), 'FAILED_PRECONDITION/NOT_A_DIRECTORY', 'a file');
      await ensureFails(watch('none'), 'NOT_FOUND/FILE_NOT_FOUND', 'nothing');
    },
  },
  {
    id: 'FWATCH-10',
    title: 'A silent stream of changes carries a message that says nothing, now and then',
    clause: 'WatchDirectoryResponse',
    needs: ['files', 'heartbeats'],
    async run(context) {
      const folder = await context.makeFolder();
      const watched = await Watched.start(context, folder.path);
      const interval = context.info.limits?.heartbeatInterval;
      ensure(interval !== undefined, 'heartbeat_interval is absent');
      const none = Symbol('no heartbeat');
      const passed = context.letPass(INTERVALS * durationMs(interval)).then(() => none);
      const message = await Promise.race([watched.nextResponse(), passed]);
      ensure(typeof message === 'object', `nothing came for ${INTERVALS} heartbeat intervals`);
      ensureEqual(message.response.case, undefined, 'what it says');
      await watched.leave();
    },
  },
];

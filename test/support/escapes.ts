import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Places } from '../../src/files/agent/places.ts';
import { kernelWatches } from './descriptors.ts';
import { readAll, writeRequests } from './files.ts';
import type { Clients } from './harness.ts';
import { archiveOf } from './tar.ts';
import { readArchive, treeRequests } from './trees.ts';

/** What is said in files that nobody confined may read, and the name of one of them. */
const SECRET = 'SECRET-OUTSIDE';

/** A folder that a server is confined to, and what is around it. */
export interface Surroundings {
  /** The folder that all is in. */
  readonly base: string;
  readonly root: string;
  readonly outside: string;
}

/** Makes what is around a folder to be confined to, and the folder, in an empty one. */
export function surroundingsIn(base: string): Surroundings {
  const [root, outside] = [join(base, 'root'), join(base, 'outside')];
  for (const folder of [root, join(outside, 'sub/deep'), join(base, 'rooted')]) {
    mkdirSync(folder, { recursive: true });
  }
  for (const folder of [outside, join(outside, 'sub'), join(base, 'rooted')]) {
    writeFileSync(join(folder, 'secret'), SECRET);
    writeFileSync(join(folder, `${SECRET}-name`), SECRET);
  }
  fillRoot({ base, root, outside });
  return { base, root, outside };
}

/** Fills the folder that all is confined to with links that lead out of it in all ways. */
export function fillRoot({ outside, root }: Surroundings): void {
  for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true });
  mkdirSync(join(root, 'folder/deep'), { recursive: true });
  mkdirSync(join(root, 'tree'));
  writeFileSync(join(root, 'file'), 'inside');
  writeFileSync(join(root, 'tree/file'), 'inside');
  linkSync(join(outside, 'secret'), join(root, 'hard'));
  const links = {
    abs: join(outside, 'secret'),
    absdir: outside,
    rel: '../outside/secret',
    reldir: '../outside',
    'folder/up': '../..',
    chain1: 'chain2',
    chain2: 'folder/../chain3',
    chain3: './reldir/sub',
    top: '/',
    proc: '/proc/self/root',
    cwd: '/proc/self/cwd',
    descriptors: '/proc/self/fd',
    dangling: '../outside/new',
    absdangling: join(outside, 'new'),
    back: join(root, 'file'),
    up: '..',
    loop: 'loop',
    climb: `${'../'.repeat(60)}${outside.slice(1)}`,
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(root, name));
}

/** Paths that lead, or might, to `secret`, to `sub` or to something new outside, by how they do. */
export function escapingPaths({
  base,
  outside,
  root,
}: Surroundings): Readonly<Record<string, string>> {
  return {
    'the path itself': join(outside, 'secret'),
    'the folder itself': outside,
    '..': `${root}/../outside/secret`,
    '.. of a folder': `${root}/folder/../../outside/sub`,
    '.. behind a dot': `${root}/./folder/./../.././outside/sub`,
    '.. to what is new': `${root}/../outside/new`,
    '.. and slashes': `${root}///..///outside//sub///`,
    '.. at the end': `${root}/..`,
    '.. beyond the top': `${root}/${'../'.repeat(80)}${outside.slice(1)}`,
    'a name that begins as the root': join(base, 'rooted/secret'),
    'a name that begins as the root, by ..': `${root}/../rooted/secret`,
    'an absolute link': join(root, 'abs'),
    'an absolute link on the way': join(root, 'absdir/secret'),
    'an absolute link on the way to a folder': join(root, 'absdir/sub'),
    'an absolute link on the way to what is new': join(root, 'absdir/new'),
    'an absolute link with a slash': join(root, 'absdir/'),
    'a relative link': join(root, 'rel'),
    'a relative link on the way': join(root, 'reldir/secret'),
    'a relative link on the way to a folder': join(root, 'reldir/sub'),
    'a relative link on the way to what is new': join(root, 'reldir/sub/new'),
    'a relative link with a slash': join(root, 'reldir/'),
    'a relative link and a dot': `${root}/reldir/.`,
    'a link to the folder around': join(root, 'up/outside/secret'),
    'a link in a folder': join(root, 'folder/up/outside/secret'),
    'a link and ..': `${root}/folder/deep/../up/outside/sub`,
    'a chain of links': join(root, 'chain1'),
    'a chain of links on the way': join(root, 'chain1/secret'),
    'a chain of links with a slash': join(root, 'chain1/'),
    'a link of many ..': join(root, 'climb/secret'),
    'a link to /': join(root, 'top', outside, 'secret'),
    'a link to / itself': join(root, 'top/'),
    '/proc/self/root': join('/proc/self/root', outside, 'secret'),
    'a link to /proc/self/root': join(root, 'proc', outside, 'secret'),
    'a link to /proc/self/cwd': join(root, 'cwd', '..', outside, 'secret'),
    'a link to /proc/self/fd': join(root, 'descriptors/0'),
    'a link to nothing yet': join(root, 'dangling'),
    'an absolute link to nothing yet': join(root, 'absdangling'),
    'a link to nothing yet, on the way': join(root, 'dangling/new'),
    'a link in itself': join(root, 'loop/secret'),
    'an absolute link that leads back': join(root, 'back'),
    '/etc/passwd': '/etc/passwd',
  };
}

/** What a call of FileService needs. */
export interface FilesOf extends Pick<Clients, 'files'> {
  readonly sessionId: string;
  /** The process of the server, or those that do its calls at the moment. */
  readonly pid: number | (() => readonly number[]);
  /** The folders, by their inodes, that nothing may be told of. */
  readonly secretFolders: ReadonlySet<bigint>;
}

/** Each call, with a path of ours; `spare` is one that is free, inside. */
export type FileCall = (of: FilesOf, path: string, spare: string) => Promise<unknown>;

async function all(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const messages: unknown[] = [];
  for await (const message of stream) messages.push(message);
  return messages;
}

/** Watches a folder until it says so; of one that is none of ours it tells as others do. */
async function watchOnce(
  { files, pid, secretFolders, ...of }: FilesOf,
  path: string,
  recursive: boolean,
) {
  const stop = new AbortController();
  const request = { sessionId: of.sessionId, ...at(path), recursive };
  const stream = files.watchDirectory(request, { signal: stop.signal });
  try {
    const messages = stream[Symbol.asyncIterator]();
    const { value } = await messages.next();
    const pids = typeof pid === 'number' ? [pid] : pid();
    const watches = pids.flatMap((each) => kernelWatches(each).watches);
    const isSecret = watches.some(({ inode }) => secretFolders.has(inode));
    return isSecret ? { told: SECRET } : value;
  } finally {
    stop.abort();
  }
}

/** A path as a request has it: every other by its bytes. */
function at(path: string): { readonly path: string } | { readonly rawPath: Uint8Array } {
  return path.length % 2 === 0 ? { path } : { rawPath: Buffer.from(path) };
}

/** What is unpacked. */
const ARCHIVE = archiveOf({ name: 'file', content: 'inside' }, { name: 'new', content: 'inside' });

/** Every call that names a path, in every way that it may be used. */
export const FILE_CALLS: Readonly<Record<string, FileCall>> = {
  StatFile: ({ files, sessionId }, path) => files.statFile({ sessionId, ...at(path) }),
  'StatFile of a link': ({ files, sessionId }, path) =>
    files.statFile({ sessionId, ...at(path), noFollow: true }),
  ReadFile: ({ files, sessionId }, path) =>
    readAll(files.readFile({ sessionId, ...at(path) })).then(({ content, ...rest }) => ({
      content: content.toString('latin1'),
      ...rest,
    })),
  ListDirectory: ({ files, sessionId }, path) =>
    all(files.listDirectory({ sessionId, ...at(path) })),
  WalkDirectory: ({ files, sessionId }, path) =>
    all(files.walkDirectory({ sessionId, ...at(path) })),
  'WalkDirectory through links': ({ files, sessionId }, path) =>
    all(files.walkDirectory({ sessionId, ...at(path), followSymlinks: true })),
  ReadTree: ({ files, sessionId }, path) =>
    readArchive(files.readTree({ sessionId, ...at(path) })).then((bytes) =>
      bytes.toString('latin1'),
    ),
  ResolvePath: ({ files, sessionId }, path) => files.resolvePath({ sessionId, ...at(path) }),
  WriteFile: ({ files, sessionId }, path) =>
    files.writeFile(writeRequests({ sessionId, ...at(path) }, Buffer.from('new'))),
  'WriteFile in place': ({ files, sessionId }, path) =>
    files.writeFile(
      writeRequests({ sessionId, ...at(path), disposition: 3, parents: true }, Buffer.from('new')),
    ),
  CreateDirectory: ({ files, sessionId }, path) =>
    files.createDirectory({ sessionId, ...at(path) }),
  'CreateDirectory with parents': ({ files, sessionId }, path) =>
    files.createDirectory({ sessionId, ...at(`${path}/a/b`), parents: true }),
  RemoveFile: ({ files, sessionId }, path) =>
    files.removeFile({ sessionId, ...at(path), recursive: true }),
  'MoveFile from': ({ files, sessionId }, path, spare) =>
    files.moveFile({ sessionId, ...at(path), targetPath: spare }),
  'CopyFile from': ({ files, sessionId }, path, spare) =>
    files.copyFile({ sessionId, ...at(path), targetPath: spare, recursive: true }),
  SetFileAttributes: ({ files, sessionId }, path) =>
    files.setFileAttributes({ sessionId, ...at(path), mode: 0o777, modifyTime: { seconds: 1n } }),
  'SetFileAttributes of a link': ({ files, sessionId }, path) =>
    files.setFileAttributes({
      sessionId,
      ...at(path),
      noFollow: true,
      modifyTime: { seconds: 1n },
    }),
  CreateSymlink: ({ files, sessionId }, path) =>
    files.createSymlink({ sessionId, ...at(path), target: 'x' }),
  WatchDirectory: (of, path) => watchOnce(of, path, false),
  'WatchDirectory and all below': (of, path) => watchOnce(of, path, true),
  WriteTree: ({ files, sessionId }, path) =>
    files.writeTree(treeRequests({ sessionId, ...at(path), replace: true }, ARCHIVE)),
};

/** Calls with two paths, of which the one that leads out is the target. */
export const TARGET_CALLS: Readonly<Record<string, FileCall>> = {
  'MoveFile to': ({ files, sessionId }, targetPath, spare) =>
    files.moveFile({ sessionId, path: spare, targetPath, replace: true }),
  'CopyFile to': ({ files, sessionId }, targetPath, spare) =>
    files.copyFile({ sessionId, path: spare, targetPath, replace: true }),
};

/** The inodes of folders, and of those below them. */
export function foldersIn(...folders: readonly string[]): ReadonlySet<bigint> {
  const inodes = folders.flatMap((folder) => {
    const below = readdirSync(folder, { recursive: true, withFileTypes: true });
    const found = below.filter((entry) => entry.isDirectory());
    const paths = [folder, ...found.map(({ name, parentPath }) => join(parentPath, name))];
    return paths.map((path) => lstatSync(path, { bigint: true }).ino);
  });
  return new Set(inodes);
}

/** All that can be told of what is in some folders, but when it was read. */
export function everythingIn(...folders: readonly string[]): readonly string[] {
  return folders.flatMap((folder) => {
    const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
    return ['.', ...entries].map((name) => {
      const path = join(folder, name);
      const { ino, mode, mtimeNs, uid } = lstatSync(path, { bigint: true });
      const kind = lstatSync(path);
      const content = kind.isFile()
        ? readFileSync(path, 'latin1')
        : kind.isSymbolicLink()
          ? readlinkSync(path)
          : '';
      return [path, ino, mode, uid, mtimeNs, content].join(' ');
    });
  });
}

/** Whether an answer tells of what is outside. */
export function tells(answer: unknown): boolean {
  const text = JSON.stringify(answer, (_, value: unknown) =>
    typeof value === 'bigint'
      ? value.toString()
      : value instanceof Uint8Array
        ? Buffer.from(value).toString('latin1')
        : value,
  );
  return text?.includes(SECRET) ?? false;
}

const SWAPPER = `
import ctypes, sys
libc = ctypes.CDLL(None)
paths = [path.encode() for path in sys.argv[1:]]
pairs = list(zip(paths[::2], paths[1::2]))
print('swapping', flush=True)
while True:
    for _ in range(1000):
        for a, b in pairs:
            libc.renameat2(-100, a, -100, b, 2)
    if sys.stdin.closed:
        break
`;

/** Two files that are swapped for one another. */
export type Swapped = readonly [a: string, b: string];

/** Swaps the files of each pair, each time at once, as fast as it can until the test is over. */
export async function swapForever(...pairs: readonly Swapped[]): Promise<() => Promise<void>> {
  const child = spawn('python3', ['-c', SWAPPER, ...pairs.flat()], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(end);
  await once(child.stdout, 'data');
  return end;
}

/** What many a server does: it looks where a name leads, and then uses the name. */
export class PlacesByName extends Places {
  readonly #root: string;
  readonly #open: Places;

  constructor(root: string) {
    super([]);
    this.#root = root;
    this.#open = new Places([]);
  }

  override find(path: string, options: { readonly follow: boolean }): number {
    if (!`${realpathSync(path)}/`.startsWith(`${this.#root}/`)) throw new Error('outside');
    return this.#open.find(path, options);
  }
}

import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lchownSync,
  mkdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { constants as systemConstants } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadNativeFiles, type NativeFiles, systemError } from '../../src/files/agent/native.ts';
import { Places } from '../../src/files/agent/places.ts';
import { FileFault } from '../../src/files/file-fault.ts';
import { closeRoots, openRoots, type Root } from '../../src/files/roots.ts';
import { failureOf } from '../support/failure.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';

const { errno } = systemConstants;
const native = loadNativeFiles();

/** The system's calls, of which one that opens does something else. */
function natives(openBeneath: NativeFiles['openBeneath']): NativeFiles {
  if (native === undefined) throw new Error('there is no koffi');
  return { ...native, openBeneath };
}

/** Calls of a system without openat2(2). */
function without(): NativeFiles {
  return natives(() => {
    throw systemError('openat2', errno.ENOSYS);
  });
}

function rootsOf(...paths: string[]): readonly Root[] {
  const roots = openRoots(paths);
  onTestFinished(() => closeRoots(roots));
  return roots;
}

/** What comes of looking for a path: what it is, or why not. */
function outcome(places: Places, path: string, follow: boolean): string {
  let found: number;
  try {
    found = places.find(path, { follow });
  } catch (error) {
    return error instanceof FileFault ? error.reason : String(error);
  }
  try {
    const { dev, ino, mode } = fstatSync(found);
    return `${dev}:${ino} ${(mode & constants.S_IFMT).toString(8)}`;
  } finally {
    closeSync(found);
  }
}

/** The same where a name is looked for. */
function namedOutcome(places: Places, path: string): string {
  try {
    const { asFolder, folder, name } = places.findNamed(path);
    const { dev, ino } = fstatSync(folder);
    closeSync(folder);
    return `${dev}:${ino} ${name.toString('latin1')} ${asFolder}`;
  } catch (error) {
    return error instanceof FileFault ? error.reason : String(error);
  }
}

/** Numbers that are the same for the same seed: mulberry32. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const NAMES = ['a', 'b', 'c', 'd'];

/** A path of random names, some of which are there. */
function randomPath(next: (below: number) => number, top: string, outside: string): string {
  const parts: string[] = [];
  const count = 1 + next(6);
  for (let i = 0; i < count; i++) {
    const kind = next(10);
    const name = NAMES[next(NAMES.length)] ?? '';
    parts.push(kind === 0 ? '..' : kind === 1 ? '.' : kind === 2 ? '' : name);
  }
  const path = parts.join('/') + (next(5) === 0 ? '/' : '');
  const start = next(12);
  if (start === 0) return `${top}/${path}`;
  if (start === 1) return `${outside}/${path}`;
  if (start === 2) return '../'.repeat(next(4)) + path;
  return path.replace(/^\/+/, '') || '.';
}

/** Fills a folder at random with folders, files and links to anywhere. */
function fill(next: (below: number) => number, top: string, outside: string): void {
  const folders = [top];
  for (let i = 0; i < 40; i++) {
    const folder = folders[next(folders.length)] ?? top;
    const path = join(folder, NAMES[next(NAMES.length)] ?? '');
    try {
      const kind = next(5);
      if (kind < 2) {
        mkdirSync(path);
        folders.push(path);
      } else if (kind === 2) writeFileSync(path, '', { flag: 'wx' });
      else symlinkSync(randomPath(next, top, outside), path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

describe.runIf(native !== undefined)('paths that are walked by descriptors', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('lead where openat2(2) leads: seed %i', async (seed) => {
    const folder = await temporaryFolder();
    const outside = join(folder, 'outside');
    const top = join(folder, 'x/top');
    mkdirSync(top, { recursive: true });
    mkdirSync(outside);
    const next = numbers(seed);
    fill(next, top, outside);
    fill(next, outside, top);
    const roots = rootsOf(top);
    const told = new Map<string, number>();
    for (const among of [roots, []]) {
      const kernel = new Places(among);
      const walk = new Places(among, without());
      expect([kernel.confinement, walk.confinement]).toEqual(['openat2', 'descriptors']);
      for (let i = 0; i < 400; i++) {
        const path = `${top}/${randomPath(next, top, outside)}`;
        for (const follow of [true, false]) {
          const expected = outcome(kernel, path, follow);
          expect([path, follow, outcome(walk, path, follow)]).toEqual([path, follow, expected]);
          const kind = expected.replace(/^\d+:\d+ /, '');
          told.set(kind, (told.get(kind) ?? 0) + 1);
        }
        const expected = namedOutcome(kernel, path);
        expect([path, namedOutcome(walk, path)]).toEqual([path, expected]);
      }
    }
    // All that can come of it has come: a folder, a link, what is not there, and what leads out.
    const kinds = ['40000', '120000', 'FILE_NOT_FOUND', 'OUTSIDE_ROOT', 'NOT_A_DIRECTORY'];
    for (const kind of kinds) expect([kind, told.get(kind) ?? 0]).not.toEqual([kind, 0]);
  });

  it('agree about what is special', async () => {
    const folder = await temporaryFolder();
    mkdirSync(join(folder, 'deep'));
    writeFileSync(join(folder, 'file'), '');
    symlinkSync('loop', join(folder, 'loop'));
    symlinkSync('b', join(folder, 'a'));
    symlinkSync('a', join(folder, 'b'));
    symlinkSync('deep/', join(folder, 'slash'));
    symlinkSync('file/', join(folder, 'no-folder'));
    symlinkSync('/proc/self/root', join(folder, 'magic'));
    symlinkSync('file', join(folder, 'link0'));
    // Forty may be followed, and no more.
    for (let i = 1; i < 42; i++) symlinkSync(`link${i - 1}`, join(folder, `link${i}`));
    const paths = [
      ...['loop', 'a', 'slash', 'slash/', 'no-folder', 'no-folder/', 'file/', 'file/.', 'file/..'],
      ...['magic', 'magic/', 'magic/etc', 'link38', 'link39', 'link40', 'link41', 'deep/../file'],
      ...['n'.repeat(255), 'n'.repeat(256), `${'deep/../'.repeat(400)}file`, '', '/', '.', '..'],
    ].map((path) => `${folder}/${path}`);
    const special = [
      ...['/', '//', '/..', '/../..', '/proc/self', '/proc/self/root', '/proc/self/cwd/x'],
      ...['/proc/self/exe', '/proc/self/fd/0', '/proc/mounts', '/proc/self/ns/mnt', '/dev/stdin'],
      ...['/proc/thread-self/root/etc', '/proc/net/dev'],
    ];
    for (const among of [rootsOf(folder), []]) {
      const kernel = new Places(among);
      const walk = new Places(among, without());
      for (const path of [...paths, ...special]) {
        for (const follow of [true, false]) {
          const expected = outcome(kernel, path, follow);
          expect([path, follow, outcome(walk, path, follow)]).toEqual([path, follow, expected]);
        }
      }
    }
    const walk = new Places([], without());
    expect(outcome(walk, join(folder, 'link39'), true)).toMatch(/ 100000$/);
    expect(outcome(walk, join(folder, 'link40'), true)).toBe('TOO_MANY_SYMLINKS');
    expect(outcome(walk, '/proc/self/root/etc', true)).toBe('TOO_MANY_SYMLINKS');
  });

  it.runIf(process.geteuid?.() === 0)('follow no link that the system does not', async () => {
    const folder = await temporaryFolder();
    const sticky = join(folder, 'sticky');
    mkdirSync(sticky);
    chmodSync(sticky, 0o1777);
    writeFileSync(join(folder, 'file'), '');
    for (const [name, uid] of [
      ['others', 1234],
      ['own', 0],
    ] as const) {
      symlinkSync('../file', join(sticky, name));
      lchownSync(join(sticky, name), uid, uid);
    }
    const protects = (await readFile('/proc/sys/fs/protected_symlinks', 'utf8')).trim() !== '0';
    const walk = new Places([], without());
    for (const places of [new Places([]), walk]) {
      const others = outcome(places, join(sticky, 'others'), true);
      expect(others).toMatch(protects ? /^FILE_ACCESS_DENIED$/ : / 100000$/);
      expect(outcome(places, join(sticky, 'own'), true)).toMatch(/ 100000$/);
    }
  });

  it('may be longer than any that is open at a time', async () => {
    const folder = await temporaryFolder();
    const below = 'd/'.repeat(500);
    mkdirSync(join(folder, below), { recursive: true });
    const roots = rootsOf(folder);
    const path = `${folder}/${below}${'../'.repeat(499)}`;
    const expected = outcome(new Places([]), join(folder, 'd'), true);
    expect(outcome(new Places(roots, without()), path, true)).toBe(expected);
    expect(outcome(new Places(roots, without()), `${path}../..`, true)).toBe('OUTSIDE_ROOT');
  });
});

describe.runIf(native !== undefined)('openat2(2)', () => {
  it('is done without where it is missing or forbidden for every path', () => {
    for (const code of [errno.ENOSYS, errno.EPERM]) {
      const places = new Places(
        [],
        natives(() => {
          throw systemError('openat2', code);
        }),
      );
      expect(places.confinement).toBe('descriptors');
    }
  });

  it('is kept to where one file may not be opened, or nothing more can be just then', async () => {
    const folder = await temporaryFolder();
    const roots = rootsOf(folder);
    let code: number | undefined = errno.EMFILE;
    const places = new Places(
      roots,
      natives((...args) => {
        if (code !== undefined) throw systemError('openat2', code);
        return native?.openBeneath(...args) ?? -1;
      }),
    );
    expect(places.confinement).toBe('openat2');
    code = errno.EPERM;
    expect(outcome(places, folder, true)).toBe('FILE_ACCESS_DENIED');
    expect(places.confinement).toBe('openat2');
    code = undefined;
    expect(outcome(places, folder, true)).toMatch(/ 40000$/);
  });
});

describe('roots', () => {
  it('are found by any spelling of their names, and not by a part of one', async () => {
    const folder = await temporaryFolder();
    const top = join(folder, 'top');
    await mkdir(join(top, 'x'), { recursive: true });
    await mkdir(join(folder, 'topper'));
    await symlink('top', join(folder, 'link'));
    const places = new Places(rootsOf(`${join(folder, 'link')}/`));
    for (const path of ['link', 'link/', 'top', 'top//x', '/top/x', 'link/x/..']) {
      expect([path, outcome(places, `${folder}/${path}`, true)]).toEqual([
        path,
        expect.stringMatching(/ 40000$/),
      ]);
    }
    expect(outcome(places, `/${top}`, true)).toMatch(/ 40000$/);
    for (const path of ['topper', 'to', '', 'top/..', 'top/../top', 'x/../top', './top']) {
      expect([path, outcome(places, `${folder}/${path}`, true)]).toEqual([path, 'OUTSIDE_ROOT']);
    }
  });

  it('refuse to be what is no folder', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    expect(() => openRoots([join(folder, 'file')])).toThrow(/ENOTDIR/);
    expect(() => openRoots([join(folder, 'none')])).toThrow(/ENOENT/);
    expect(() => openRoots(['relative'])).toThrow(/not an absolute path/);
  });

  it('may be all of the system', async () => {
    const folder = await temporaryFolder();
    const places = new Places(rootsOf('/'));
    expect(outcome(places, folder, true)).toBe(outcome(new Places([]), folder, true));
    expect(outcome(places, '/..', true)).toBe('OUTSIDE_ROOT');
  });

  it('are told, with how they are kept to', async () => {
    const folder = await temporaryFolder();
    const { server } = await startHarness({ fileRoots: [folder] });
    const { capabilities } = await server.getServerInfo({});
    expect(capabilities?.files).toMatchObject({
      supported: true,
      confinement: new Places(rootsOf(folder)).confinement,
      roots: [folder],
    });
    const open = await startHarness();
    expect((await open.server.getServerInfo({})).capabilities?.files).toMatchObject({ roots: [] });
  });
});

describe('ResolvePath', () => {
  it('names what a confined service finds by a name that it has there', async () => {
    const folder = await temporaryFolder();
    const [top, moved] = [join(folder, 'top'), join(folder, 'moved')];
    await mkdir(join(top, 'a/b'), { recursive: true });
    await symlink('a/b', join(top, 'link'));
    const { files, sessionId } = await startHarness({ fileRoots: [top] });
    const resolve = async (path: string): Promise<string> =>
      (await files.resolvePath({ sessionId, path })).path;
    expect(await resolve(`${top}//link/./../b/`)).toBe(join(top, 'a/b'));
    expect(await resolve(top)).toBe(top);
    // The folder is what counts, and it goes by the name that clients know.
    await rename(top, moved);
    expect(await resolve(join(top, 'link'))).toBe(join(top, 'a/b'));
    const { summary } = await failureOf(files.resolvePath({ sessionId, path: moved }));
    expect(summary).toBe('PERMISSION_DENIED/OUTSIDE_ROOT');
  });

  it('answers names that end as those of removed files do', async () => {
    const { files, folder, sessionId } = await startHarness();
    const path = join(folder, 'x (deleted)');
    await writeFile(path, '');
    expect((await files.resolvePath({ sessionId, path })).path).toBe(path);
  });
});

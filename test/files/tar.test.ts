import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { type Harness, startHarness, temporaryFolder } from '../support/harness.ts';
import { archiveOf } from '../support/tar.ts';
import { readArchive, treeRequests } from '../support/trees.ts';

/** Everything that is in a folder, by its path's bytes. */
function snapshot(folder: string): Readonly<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  const inodes = new Map<bigint, string>();
  const look = (at: Buffer, below: string): void => {
    const stats = lstatSync(at, { bigint: true });
    const { gid, ino, mode, mtimeNs, uid } = stats;
    const key = below === '' ? '.' : below;
    const common = { mode: mode.toString(8), uid, gid, mtimeNs };
    if (stats.isDirectory()) {
      found[key] = common;
      for (const name of readdirSync(at, { encoding: 'buffer' })) {
        look(Buffer.concat([at, Buffer.from('/'), name]), `${below}/${name.toString('latin1')}`);
      }
    } else if (stats.isSymbolicLink()) {
      found[key] = { ...common, link: readlinkSync(at, { encoding: 'buffer' }).toString('latin1') };
    } else {
      const content = readFileSync(at).toString('latin1');
      found[key] = { ...common, content, same: inodes.get(ino) ?? below };
      inodes.set(ino, inodes.get(ino) ?? below);
    }
  };
  look(Buffer.from(folder), '');
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The same without times, which not every format has exactly. */
function contents(folder: string): unknown {
  return JSON.parse(
    JSON.stringify(snapshot(folder), (key, value) =>
      key === 'mtimeNs' ? 0 : typeof value === 'bigint' ? `${value}` : value,
    ),
  );
}

/** A name of 1 to 255 bytes, of all but NUL and the slash. */
const IS_ROOT = process.getuid?.() === 0;

const NAMES = fc
  .oneof(
    fc.uint8Array({ minLength: 1, maxLength: 20 }),
    fc.uint8Array({ minLength: 90, maxLength: 255 }),
    fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }).map((text) => Buffer.from(text)),
  )
  .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x61 : byte))))
  .filter((name) => !['.', '..'].includes(name.toString('latin1')) && name.length <= 255);

const ENTRIES = fc.array(
  fc.record({
    name: NAMES,
    kind: fc.constantFrom('file', 'file', 'folder', 'link', 'hard-link'),
    size: fc.constantFrom(0, 1, 511, 512, 513, 70_000, 300_000),
    // What only root may read, or enter, nobody else could compare.
    mode: fc.integer({ min: 0, max: 0o7777 }).map((mode) => mode | (IS_ROOT ? 0 : 0o700)),
    seconds: fc.integer({ min: -1000, max: 4_000_000_000 }),
    millis: fc.integer({ min: 0, max: 999 }),
    parent: fc.nat(),
  }),
  { maxLength: 25 },
);

/** Makes a tree of files; what cannot be is left out. */
function makeTree(
  folder: string,
  entries: typeof ENTRIES extends fc.Arbitrary<infer T> ? T : never,
) {
  mkdirSync(folder);
  const folders = [Buffer.from(folder)];
  const made: (() => void)[] = [];
  const files: Buffer[] = [];
  for (const { kind, millis, mode, name, parent, seconds, size } of entries) {
    const at = Buffer.concat([folders[parent % folders.length] as Buffer, Buffer.from('/'), name]);
    const time = seconds + millis / 1000;
    try {
      if (kind === 'folder') {
        mkdirSync(at);
        folders.push(at);
      } else if (kind === 'link') {
        symlinkSync(name, at);
        continue;
      } else if (kind === 'hard-link' && files.length > 0) {
        linkSync(files[parent % files.length] as Buffer, at);
        continue;
      } else {
        writeFileSync(at, Buffer.alloc(size, name), { flag: 'wx' });
        files.push(at);
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST' || code === 'ENAMETOOLONG') continue;
      throw error;
    }
    made.unshift(() => {
      chmodSync(at, mode);
      utimesSync(at, 1, time);
    });
  }
  for (const finish of made) finish();
}

const read = ({ files, sessionId }: Harness, path: string): Promise<Buffer> =>
  readArchive(files.readTree({ sessionId, path }));

const write = (
  { files, sessionId }: Harness,
  path: string,
  archive: Uint8Array,
  pieceBytes = 9999,
) => files.writeTree(treeRequests({ sessionId, path }, archive, { pieceBytes }));

describe('a tree that is read and written', () => {
  it('is the same', async () => {
    const harness = await startHarness();
    const folder = await temporaryFolder();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(ENTRIES, fc.integer({ min: 100, max: 300_000 }), async (entries, bytes) => {
        run += 1;
        const from = join(folder, `${run}`);
        makeTree(from, entries);
        const archive = await read(harness, from);
        const to = join(folder, `${run}-copy`);
        const { entries: count } = await write(harness, to, archive, bytes);
        const expected = snapshot(from);
        expect(snapshot(to)).toEqual(expected);
        expect(Number(count)).toBe(Object.keys(expected).length);
      }),
      { numRuns: 40 },
    );
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('has the holes and the size of a large file as zeros', async () => {
    const harness = await startHarness();
    const folder = await temporaryFolder();
    mkdirSync(join(folder, 'a'));
    writeFileSync(join(folder, 'a', 'sparse'), '');
    truncateSync(join(folder, 'a', 'sparse'), 5_000_001);
    await write(harness, join(folder, 'b'), await read(harness, join(folder, 'a')), 1 << 20);
    expect(readFileSync(join(folder, 'b', 'sparse')).equals(Buffer.alloc(5_000_001))).toBe(true);
  });

  it('has only what the globs say', async () => {
    const { files, sessionId } = await startHarness();
    const folder = await temporaryFolder();
    for (const name of ['a', 'a/keep', 'b']) mkdirSync(join(folder, name));
    for (const name of ['a/x.ts', 'a/x.js', 'a/keep/y.ts', 'b/z.ts']) {
      writeFileSync(join(folder, name), name);
    }
    execFileSync('mkfifo', [join(folder, 'b', 'fifo')]);
    const globs = { include: ['**/*.ts'], exclude: ['b'] };
    const archive = await readArchive(files.readTree({ sessionId, path: folder, ...globs }));
    const listed = execFileSync('tar', ['t'], { input: archive, encoding: 'utf8' });
    expect(listed.trim().split('\n')).toEqual(['./', './a/keep/y.ts', './a/x.ts']);
  });
});

describe('archives of others', () => {
  const tree = async (): Promise<string> => {
    const from = join(await temporaryFolder(), 'from');
    mkdirSync(join(from, 'd'.repeat(120), 'e'.repeat(200)), { recursive: true });
    writeFileSync(join(from, 'd'.repeat(120), 'e'.repeat(200), 'f'.repeat(150)), 'deep');
    writeFileSync(join(from, 'smörgås'), 'text');
    symlinkSync(`../${'t'.repeat(180)}`, join(from, 'link'));
    linkSync(join(from, 'smörgås'), join(from, 'second'));
    chmodSync(join(from, 'smörgås'), 0o4750);
    return from;
  };

  it.each(['gnu', 'posix', 'oldgnu'])('of GNU tar are unpacked: %s', async (format) => {
    const harness = await startHarness();
    const from = await tree();
    const archive = execFileSync('tar', ['c', `--format=${format}`, '-C', from, '.']);
    const to = join(await temporaryFolder(), 'to');
    await write(harness, to, archive, 512);
    expect(contents(to)).toEqual(contents(from));
    expect(lstatSync(join(to, 'smörgås')).mode & 0o7777).toBe(0o4750);
    expect(lstatSync(join(to, 'second')).ino).toBe(lstatSync(join(to, 'smörgås')).ino);
  });

  it('of Python are unpacked', async () => {
    const harness = await startHarness();
    const from = await tree();
    const script = 'import sys,tarfile\ntarfile.open(fileobj=sys.stdout.buffer,mode="w|").add(".")';
    const archive = execFileSync('python3', ['-c', script], { cwd: from });
    // Python writes the end only when it is closed.
    const to = join(await temporaryFolder(), 'to');
    await write(harness, to, Buffer.concat([archive, Buffer.alloc(1024)]));
    expect(contents(to)).toEqual(contents(from));
  });

  it('and ours are unpacked by GNU tar', async () => {
    const harness = await startHarness();
    const from = await tree();
    const to = await temporaryFolder();
    execFileSync('tar', ['xp', '-C', to], { input: await read(harness, from) });
    expect(snapshot(to)).toEqual(snapshot(from));
  });
});

describe('WriteTree', () => {
  it('merges into what is there, after all of it was looked at', async () => {
    const { files, sessionId } = await startHarness();
    const path = await temporaryFolder();
    mkdirSync(join(path, 'd'));
    writeFileSync(join(path, 'd', 'old'), 'old');
    writeFileSync(join(path, 'd', 'same'), 'old');
    chmodSync(join(path, 'd'), 0o711);
    const archive = archiveOf(
      { name: 'a', content: 'a' },
      { name: 'd/same', content: 'new' },
      { name: 'e/', type: '5', mode: 0o500 },
    );
    const refused = await failureOf(files.writeTree(treeRequests({ sessionId, path }, archive)));
    expect(refused.summary).toBe('ALREADY_EXISTS/FILE_EXISTS');
    expect(readdirSync(path)).toEqual(['d']);
    await files.writeTree(treeRequests({ sessionId, path, replace: true }, archive));
    expect(readdirSync(path).sort()).toEqual(['a', 'd', 'e']);
    expect(readFileSync(join(path, 'd', 'same'), 'utf8')).toBe('new');
    expect(readFileSync(join(path, 'd', 'old'), 'utf8')).toBe('old');
    expect(lstatSync(join(path, 'd')).mode & 0o7777).toBe(0o711);
    expect(lstatSync(join(path, 'e')).mode & 0o7777).toBe(0o500);
  });

  it('does a repeat once', async () => {
    const { files, sessionId } = await startHarness();
    const path = await temporaryFolder();
    const requestId = 'c52c8bb0-4d3b-4a87-a1ba-3de6ba1f2ab0';
    const again = () =>
      files.writeTree(
        treeRequests({ sessionId, path, requestId }, archiveOf({ name: 'a', content: 'a' })),
      );
    expect((await again()).bytes).toBe(1n);
    expect((await again()).bytes).toBe(1n);
  });

  it.each([
    ['without finish', archiveOf({ name: 'a' }), false, 'FAILED_PRECONDITION/UPLOAD_UNFINISHED'],
    [
      'that is cut',
      archiveOf({ name: 'a', content: 'abc' }).subarray(0, 700),
      true,
      'FAILED_PRECONDITION/UPLOAD_UNFINISHED',
    ],
    [
      'without an end',
      archiveOf({ name: 'a' }).subarray(0, 512),
      true,
      'FAILED_PRECONDITION/UPLOAD_UNFINISHED',
    ],
    ['that is none', Buffer.alloc(2000, 'x'), true, 'INVALID_ARGUMENT/INVALID_REQUEST'],
  ])('refuses an archive %s', async (_name, archive, finish, summary) => {
    const { files, sessionId } = await startHarness();
    const folder = await temporaryFolder();
    const open = { sessionId, path: join(folder, 'new') };
    const failure = await failureOf(files.writeTree(treeRequests(open, archive, { finish })));
    expect(failure.summary).toBe(summary);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('survives archives that were changed', async () => {
    const harness = await startHarness();
    const folder = await temporaryFolder();
    mkdirSync(join(folder, 'in'));
    const from = join(await temporaryFolder(), 'from');
    mkdirSync(from);
    writeFileSync(join(from, 'a'.repeat(130)), 'content');
    symlinkSync('..', join(from, 'link'));
    const archive = await read(harness, from);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        async (changes) => {
          const changed = Buffer.from(archive);
          for (const [at, byte] of changes) changed[at] = byte;
          // With checksums that are right, so that what is behind them is reached.
          for (let at = 0; at + 512 <= changed.length; at += 512) {
            if (changed.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
            changed.fill(0x20, at + 148, at + 156);
            const sum = changed.subarray(at, at + 512).reduce((total, value) => total + value, 0);
            changed.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148);
          }
          const { files, sessionId } = harness;
          const path = join(folder, 'in', 'target');
          const open = { sessionId, path, replace: true };
          const result = await files
            .writeTree(treeRequests(open, changed))
            .catch((error: { code: number }) => error.code);
          // Whatever it is, it is no fault of ours.
          expect(result).not.toBe(13);
          expect(readdirSync(folder)).toEqual(['in']);
          expect(readdirSync(join(folder, 'in')).filter((name) => name !== 'target')).toEqual([]);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('ReadTree', () => {
  it('refuses what is no folder, and what an archive cannot hold', async () => {
    const { files, sessionId } = await startHarness();
    const folder = await temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    const file = await failureOf(
      readArchive(files.readTree({ sessionId, path: join(folder, 'file') })),
    );
    expect(file.summary).toBe('FAILED_PRECONDITION/NOT_A_DIRECTORY');
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    const fifo = await failureOf(readArchive(files.readTree({ sessionId, path: folder })));
    expect(fifo.summary).toBe('FAILED_PRECONDITION/NOT_A_REGULAR_FILE');
  });
});

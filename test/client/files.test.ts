import { createHash, randomBytes } from 'node:crypto';
import { chmod, link, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import { FileError, type FileInfo, type RemoteSession } from '../../src/client/index.ts';
import { connectTo, errorOf } from '../support/client.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';

const MIB = 1024 * 1024;

async function openSession(): Promise<RemoteSession> {
  const { address } = await startHarness();
  return connectTo(address).session();
}

async function arrayOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function namesBelow(folder: string, files: readonly FileInfo[]): string[] {
  return files.map(({ path }) => path.slice(folder.length + 1));
}

describe('session.files', () => {
  it('reads a file as a stream, bytes and text, all of it or a part', async () => {
    const { files } = await openSession();
    const path = join(await temporaryFolder(), 'file');
    const content = randomBytes(3 * MIB + 17);
    await writeFile(path, content);
    const stream = files.read(path);
    expect((await stream.info()).size).toBe(content.length);
    expect(Buffer.concat(await arrayOf<Buffer>(stream)).equals(content)).toBe(true);
    expect((await files.readBytes(path)).equals(content)).toBe(true);
    const part = await files.readBytes(path, { offset: 100, length: MIB });
    expect(part.equals(content.subarray(100, 100 + MIB))).toBe(true);
    await writeFile(path, 'grüße');
    expect(await files.readText(path)).toBe('grüße');
    expect(await files.readText(path, { encoding: 'latin1', length: 3 })).toBe('grÃ');
    expect(await files.readBytes(path, { offset: 1000 })).toHaveLength(0);
    const error = await errorOf(files.readBytes(path, { maxBytes: 6 }));
    expect(error).toMatchObject({ code: 'FILE_TOO_LARGE' });
  });

  it('keeps to the version that it is asked for', async () => {
    const { files } = await openSession();
    const path = join(await temporaryFolder(), 'file');
    const { version } = await files.write(path, 'one');
    expect(await files.readText(path, { ifVersion: version })).toBe('one');
    const later = await files.write(path, 'two', { ifVersion: version });
    expect(later.version).not.toBe(version);
    const refused = { reason: 'VERSION_MISMATCH', path };
    expect(await errorOf(files.readText(path, { ifVersion: version }))).toMatchObject(refused);
    expect(await errorOf(files.write(path, 'three', { ifVersion: version }))).toMatchObject(
      refused,
    );
    expect(await readFile(path, 'utf8')).toBe('two');
  });

  it('writes text, bytes and streams, and says what it wrote', async () => {
    const { files } = await openSession();
    const folder = await temporaryFolder();
    const content = randomBytes(2 * MIB + 3);
    const sha256 = createHash('sha256').update(content).digest();
    const pieces = [content.subarray(0, 1), content.subarray(1, MIB), content.subarray(MIB)];
    const ways = [content, Readable.from(pieces), pieces, arrayAsStream(pieces)];
    for (const [i, way] of ways.entries()) {
      const path = join(folder, 'new', `${i}`);
      const written = await files.write(path, way, { parents: true, mode: 0o640 });
      expect(written).toMatchObject({ path, size: content.length, mode: 0o640, kind: 'regular' });
      expect(Buffer.from(written.sha256).equals(sha256)).toBe(true);
      expect((await readFile(path)).equals(content)).toBe(true);
    }
    const text = join(folder, 'text');
    await files.write(text, 'a', { sync: true });
    await files.write(text, 'b', { disposition: 'append' });
    expect(await readFile(text, 'utf8')).toBe('ab');
    const exists = files.write(text, 'c', { disposition: 'create-new' });
    expect(await errorOf(exists)).toMatchObject({ reason: 'FILE_EXISTS' });
    const wrong = files.write(text, 'd', { sha256 });
    expect(await errorOf(wrong)).toMatchObject({ reason: 'CHECKSUM_MISMATCH' });
    expect(await readFile(text, 'utf8')).toBe('ab');
    await files.write(join(folder, 'empty'), '');
    expect((await stat(join(folder, 'empty'))).size).toBe(0);
  });

  it('leaves nothing of a stream that fails, and fails with its error', async () => {
    const { files } = await openSession();
    const folder = await temporaryFolder();
    const broken = new Error('broken');
    const content = async function* (): AsyncGenerator<Uint8Array> {
      yield randomBytes(MIB);
      throw broken;
    };
    expect(await errorOf(files.write(join(folder, 'file'), content()))).toBe(broken);
    await expect.poll(() => readdir(folder)).toEqual([]);
  });

  it('tells what a file is, and what it is not', async () => {
    const { files } = await openSession();
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), 'content', { mode: 0o600 });
    await symlink('file', join(folder, 'link'));
    await symlink('nowhere', join(folder, 'dangling'));
    const seen = await stat(join(folder, 'file'), { bigint: true });
    expect(await files.stat(join(folder, 'link'))).toMatchObject({
      kind: 'regular',
      size: 7,
      mode: 0o600,
      linkTarget: undefined,
      modifyTimeNs: seen.mtimeNs,
    });
    expect(await files.stat(join(folder, 'link'), { followLinks: false })).toMatchObject({
      kind: 'symlink',
      linkTarget: 'file',
    });
    expect(await files.exists(join(folder, 'file'))).toBe(true);
    expect(await files.exists(join(folder, 'file', 'below'))).toBe(false);
    expect(await files.exists(join(folder, 'dangling'))).toBe(false);
    expect(await files.exists(join(folder, 'dangling'), { followLinks: false })).toBe(true);
    const error = await errorOf(files.stat(join(folder, 'missing')));
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({
      name: 'FileError',
      code: 'REFUSED',
      reason: 'FILE_NOT_FOUND',
      status: 'NOT_FOUND',
      errnoName: 'ENOENT',
      path: join(folder, 'missing'),
    });
  });

  it('makes, moves, copies, marks and removes', async () => {
    const { files } = await openSession();
    const folder = await temporaryFolder();
    const at = (...names: string[]): string => join(folder, ...names);
    expect(await files.makeDirectory(at('a', 'b'), { parents: true, mode: 0o750 })).toMatchObject({
      kind: 'directory',
      mode: 0o750,
    });
    expect(await errorOf(files.makeDirectory(at('a')))).toMatchObject({ reason: 'FILE_EXISTS' });
    await files.write(at('a', 'b', 'file'), 'x');
    await files.symlink(at('a', 'link'), 'b/file');
    expect(await files.resolve(at('a', 'link'))).toBe(at('a', 'b', 'file'));
    expect(await files.move(at('a'), at('c'))).toMatchObject({ path: at('c') });
    await files.copy(at('c'), at('d'), { recursive: true });
    expect(await readFile(at('d', 'link'), 'utf8')).toBe('x');
    await files.write(at('other'), 'y');
    const taken = files.move(at('other'), at('d', 'b', 'file'));
    expect(await errorOf(taken)).toMatchObject({ reason: 'FILE_EXISTS' });
    await files.move(at('other'), at('d', 'b', 'file'), { replace: true });
    expect(await readFile(at('d', 'link'), 'utf8')).toBe('y');
    const time = new Date('2001-02-03T04:05:06.789Z');
    const marked = await files.setAttributes(at('d', 'link'), { mode: 0o400, modifyTime: time });
    expect(marked).toMatchObject({ mode: 0o400, modifyTime: time, kind: 'regular' });
    const full = await errorOf(files.remove(at('d')));
    expect(full).toMatchObject({ reason: 'DIRECTORY_NOT_EMPTY' });
    await files.remove(at('d'), { recursive: true });
    expect(await errorOf(files.remove(at('d')))).toMatchObject({ reason: 'FILE_NOT_FOUND' });
    await files.remove(at('d'), { missingOk: true });
    expect(await readdir(folder)).toEqual(['c']);
  });

  it('lists and walks folders', async () => {
    const { files } = await openSession();
    const folder = await temporaryFolder();
    for (const name of ['b', 'a', 'a/x', 'a/x/deep']) await mkdir(join(folder, name));
    for (const name of ['c.txt', 'a/y.txt', 'b/z.log']) await writeFile(join(folder, name), name);
    const listed = await arrayOf(files.list(folder));
    expect(namesBelow(folder, listed).sort()).toEqual(['a', 'b', 'c.txt']);
    const order = ['a', 'b', 'c.txt', 'a/x', 'a/y.txt', 'b/z.log', 'a/x/deep'];
    expect(namesBelow(folder, await arrayOf(files.walk(folder)))).toEqual(order);
    const some = files.walk(folder, { include: ['**/*.txt'], exclude: ['b'], maxDepth: 2 });
    expect(namesBelow(folder, await arrayOf(some))).toEqual(['c.txt', 'a/y.txt']);
    const first = files.walk(folder, { maxEntries: 2 });
    expect(namesBelow(folder, await arrayOf(first))).toEqual(['a', 'b']);
    const missing = arrayOf(files.list(join(folder, 'missing')));
    expect(await errorOf(missing)).toMatchObject({ reason: 'FILE_NOT_FOUND' });
    // Leaving the loop ends it.
    for await (const { path } of files.walk(folder)) {
      expect(path).toBe(join(folder, 'a'));
      break;
    }
  });

  it('takes paths as bytes where they are not UTF-8', async () => {
    const { files } = await openSession();
    const folder = await temporaryFolder();
    const odd = Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0xff, 0x41)]);
    const written = await files.write(odd, 'odd');
    expect(Buffer.from(written.rawPath ?? '').equals(odd)).toBe(true);
    expect(written.path).toBe(`${folder}/\uFFFDA`);
    const [listed] = await arrayOf(files.list(folder));
    expect(await files.readText(listed?.rawPath ?? '')).toBe('odd');
    const moved = await files.move(odd, join(folder, 'even'));
    expect(moved).toMatchObject({ path: join(folder, 'even'), rawPath: undefined });
    const missing = await errorOf(files.stat(odd));
    expect(missing).toMatchObject({ reason: 'FILE_NOT_FOUND', rawPath: odd });
  });

  it('refuses what makes no sense before it is sent', async () => {
    const { files } = await openSession();
    const invalid = { code: 'OPTION_INVALID' };
    expect(await errorOf(files.stat('relative'))).toMatchObject({ ...invalid, option: 'path' });
    expect(await errorOf(files.move('/a', 'b'))).toMatchObject({
      ...invalid,
      option: 'targetPath',
    });
    const misspelled = { follow: true } as object;
    expect(await errorOf(files.stat('/', misspelled))).toMatchObject({ option: 'follow' });
    expect(await errorOf(files.write('/a', 17 as never))).toMatchObject({ option: 'content' });
    expect(await errorOf(files.write('/a', '', { mode: 0o10000 }))).toMatchObject(invalid);
    expect(() => files.read('/a', { offset: -1 })).toThrow('offset must be');
  });

  it('gives up with the reason of a signal', async () => {
    const { files } = await openSession();
    const folder = await temporaryFolder();
    const path = join(folder, 'large');
    await writeFile(path, randomBytes(16 * MIB));
    const reason = new Error('enough');
    const reading = new AbortController();
    const stream = files.read(path, { signal: reading.signal });
    const read = (async () => {
      for await (const _ of stream) reading.abort(reason);
    })();
    expect(await errorOf(read)).toBe(reason);
    const writing = new AbortController();
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      for (let i = 0; ; i += 1) {
        if (i === 40) writing.abort(reason);
        yield Buffer.alloc(MIB);
      }
    };
    const written = files.write(join(folder, 'written'), endless(), { signal: writing.signal });
    expect(await errorOf(written)).toBe(reason);
    await expect.poll(() => readdir(folder)).toEqual(['large']);
    expect(await errorOf(files.stat(path, { signal: AbortSignal.abort(reason) }))).toBe(reason);
  });

  it('copies a file onto another by streams', async () => {
    const { files } = await openSession();
    const folder = await temporaryFolder();
    const content = randomBytes(5 * MIB);
    await writeFile(join(folder, 'from'), content);
    await files.write(join(folder, 'to'), files.read(join(folder, 'from')));
    expect((await readFile(join(folder, 'to'))).equals(content)).toBe(true);
    const missing = files.write(join(folder, 'to'), files.read(join(folder, 'missing')));
    expect(await errorOf(missing)).toMatchObject({ reason: 'FILE_NOT_FOUND' });
    expect((await readFile(join(folder, 'to'))).equals(content)).toBe(true);
    expect((await readdir(folder)).sort()).toEqual(['from', 'to']);
  });

  it('reads a folder as an archive, and unpacks it elsewhere', async () => {
    const { files } = await openSession();
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'from', 'below'), { recursive: true });
    await writeFile(join(folder, 'from', 'below', 'file'), 'x');
    await link(join(folder, 'from', 'below', 'file'), join(folder, 'from', 'hard'));
    await symlink('below/file', join(folder, 'from', 'soft'));
    await chmod(join(folder, 'from', 'below', 'file'), 0o604);
    const written = await files.writeTree(join(folder, 'to'), files.readTree(join(folder, 'from')));
    expect(written.entries).toBe(5);
    const [below, hard] = [join(folder, 'to', 'below', 'file'), join(folder, 'to', 'hard')];
    expect((await stat(below)).ino).toBe((await stat(hard)).ino);
    expect((await stat(below)).mode & 0o777).toBe(0o604);
    expect(await readFile(join(folder, 'to', 'soft'), 'utf8')).toBe('x');
  });

  it('stops reading ahead for who does not read', async () => {
    const { files } = await openSession();
    const path = join(await temporaryFolder(), 'large');
    await writeFile(path, Buffer.alloc(64 * MIB));
    const stream = files.read(path);
    await stream.info();
    await expect.poll(() => stream.readableLength).toBeGreaterThan(0);
    expect(stream.readableLength).toBeLessThanOrEqual(MIB);
    let bytes = 0;
    await pipeline(stream, async (pieces) => {
      for await (const piece of pieces) bytes += (piece as Buffer).length;
    });
    expect(bytes).toBe(64 * MIB);
  });
});

async function* arrayAsStream(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  // Into the same memory, as programs do that read with a buffer of their own.
  const memory = Buffer.alloc(2 * MIB);
  for (const piece of pieces) {
    memory.set(piece);
    yield memory.subarray(0, piece.length);
  }
}

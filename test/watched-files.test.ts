import { chmod, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { assertOwnFile } from '../src/read-file.ts';
import { type WatchedFiles, watchFiles } from '../src/watched-files.ts';
import { FakeClock } from './support/fake-clock.ts';
import { temporaryFolder } from './support/harness.ts';

/** Files that are watched by a clock that a test lets go on. */
async function watched(texts: Readonly<Record<string, string>>) {
  const folder = await temporaryFolder();
  const paths = Object.keys(texts).map((name) => join(folder, name));
  const put = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
  for (const [name, text] of Object.entries(texts)) await put(name, text);
  const clock = new FakeClock();
  const changes: string[] = [];
  const problems: (string | undefined)[] = [];
  const files: WatchedFiles<string> = await watchFiles({
    paths,
    maxBytes: 100,
    check: (_path, stats) => assertOwnFile(stats),
    parse(read) {
      if (read.some((text) => text.startsWith('bad'))) throw new Error('one is bad');
      return read.join('+');
    },
    clock,
    onChange: (now, before) => void changes.push(`${before} -> ${now}`),
    onProblem: (problem) => void problems.push(problem),
  });
  onTestFinished(() => files.close());
  /** Lets them be looked at once, and waits until that is done: the next look is set then. */
  const look = async (): Promise<void> => {
    clock.advance(1_000);
    await expect.poll(() => clock.pending).toBe(1);
  };
  return { changes, clock, files, folder, look, paths, problems, put };
}

describe('files that are watched', () => {
  it('are read, and again when one has changed', async () => {
    const { changes, files, look, put } = await watched({ a: '1', b: '2' });
    expect(files.current).toBe('1+2');
    await look();
    await put('b', '3');
    await look();
    expect(files.current).toBe('1+3');
    expect(changes).toEqual(['1+2 -> 1+3']);
  });

  it('stay as they were good while they are not, which is said once', async () => {
    const { changes, files, look, problems, put } = await watched({ a: '1' });
    await put('a', 'bad');
    // It may be a change that is under way.
    await look();
    expect(problems).toEqual([]);
    await look();
    await look();
    expect(problems).toEqual(['one is bad']);
    expect(files.current).toBe('1');
    await put('a', '1');
    await look();
    expect(problems).toEqual(['one is bad', undefined]);
    expect(changes).toEqual([]);
  });

  it('may be gone for a while', async () => {
    const { files, look, paths, problems, put } = await watched({ a: '1' });
    await rm(paths[0] ?? '');
    await look();
    await look();
    expect(problems).toEqual([`${paths[0]}: it cannot be read (ENOENT)`]);
    await put('a', '2');
    await look();
    expect(files.current).toBe('2');
  });

  it('may be replaced by another file, and by a link that leads elsewhere', async () => {
    const { files, folder, look, paths, put } = await watched({ a: '1' });
    await put('next', '2');
    await rename(join(folder, 'next'), paths[0] ?? '');
    await look();
    expect(files.current).toBe('2');
    // As Kubernetes mounts secrets: a link to a folder of one version.
    for (const version of ['3', '4']) {
      await mkdir(join(folder, version));
      await put(`${version}/a`, version);
      await symlink(join(folder, version), join(folder, 'link'));
      await rename(join(folder, 'link'), join(folder, 'data'));
      if (version === '3') {
        await rm(paths[0] ?? '');
        await symlink(join(folder, 'data', 'a'), paths[0] ?? '');
      }
      await look();
      expect(files.current).toBe(version);
    }
  });

  it('are read again though a second change cannot be seen from outside', async () => {
    const { files, look, paths, put } = await watched({ a: '1' });
    await look();
    await put('a', '2');
    await utimes(paths[0] ?? '', 0, 0);
    await look();
    await put('a', '3');
    await utimes(paths[0] ?? '', 0, 0);
    await look();
    expect(files.current).toBe('3');
  });

  it('are not read where others could have written them, nor where they are too large', async () => {
    const { files, look, paths, problems, put } = await watched({ a: '1' });
    const [path = ''] = paths;
    await put('a', '2');
    await chmod(path, 0o666);
    await look();
    await look();
    expect(problems).toEqual([`${path}: it can be written to by other users`]);
    await chmod(path, 0o600);
    await put('a', 'x'.repeat(101));
    await look();
    await look();
    expect(problems).toEqual([
      `${path}: it can be written to by other users`,
      `${path}: it has more than 100 bytes`,
    ]);
    expect(files.current).toBe('1');
  });

  it('are not waited for where one is a pipe or a folder', async () => {
    const folder = await temporaryFolder();
    const options = {
      paths: [folder],
      maxBytes: 1,
      parse: () => '',
      clock: new FakeClock(),
      onChange: () => {},
      onProblem: () => {},
    };
    await expect(watchFiles(options)).rejects.toThrow(`${folder}: it is no file`);
  });

  it('are looked at no more once that is over', async () => {
    const { clock, files } = await watched({ a: '1' });
    files.close();
    files.close();
    expect(clock.pending).toBe(0);
  });
});

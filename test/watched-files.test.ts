import { chmod, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FILES_LOOK_MS } from '../src/limits.ts';
import { assertOwnFile } from '../src/read-file.ts';
import { watchFiles } from '../src/watched-files.ts';
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
  const parsed: string[] = [];
  const files = await watchFiles<string>({
    paths,
    maxBytes: 100,
    check: assertOwnFile,
    parse(at) {
      const read = paths.map((path) => at(path).bytes.toString());
      parsed.push(read.join('+'));
      if (read.some((text) => text.startsWith('bad'))) throw new Error('one is bad');
      return read.join('+');
    },
    clock,
    onChange: (now, before) => void changes.push(`${before} -> ${now}`),
    onProblem: (problem) => void problems.push(problem?.message),
  });
  onTestFinished(() => files.close());
  /** Lets them be looked at, and waits until that is done: the next look is set then. */
  const look = async (times = 2): Promise<void> => {
    for (let i = 0; i < times; i++) {
      clock.advance(FILES_LOOK_MS);
      await expect.poll(() => clock.pending, { interval: 1 }).toBe(1);
    }
  };
  return { changes, clock, files, folder, look, parsed, paths, problems, put };
}

/** Has what is on disk be of long ago, so that it is read only if it looks like another. */
function letTimePass(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 });
  onTestFinished(() => void vi.useRealTimers());
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
    await look(5);
    expect(problems).toEqual(['one is bad']);
    expect(files.current).toBe('1');
    await put('a', '1');
    await look();
    expect(problems).toEqual(['one is bad', undefined]);
    expect(changes).toEqual([]);
  });

  it('are not read while they are being written: not before they are found the same twice', async () => {
    const { changes, files, look, problems, put } = await watched({ a: '1' });
    for (const text of ['bad', 'half', 'whole']) {
      await put('a', text);
      await look(1);
      expect(files.current).toBe('1');
    }
    await look(1);
    expect([changes, problems]).toEqual([['1 -> whole'], []]);
  });

  it('are parsed once for as long as they say the same, whether it makes sense or not', async () => {
    const { look, parsed, put } = await watched({ a: '1' });
    for (const text of ['1', 'bad', 'bad', '2', '2']) {
      await put('a', text);
      await look(3);
    }
    expect(parsed).toEqual(['1', 'bad', '2']);
  });

  it('may be gone for a while', async () => {
    const { files, look, paths, problems, put } = await watched({ a: '1' });
    await rm(paths[0] ?? '');
    await look();
    expect(problems).toEqual(['it cannot be read (ENOENT)']);
    await put('a', '2');
    await look();
    expect(files.current).toBe('2');
  });

  it('may be replaced by another file, and by a link that leads elsewhere', async () => {
    const { files, folder, look, paths, put } = await watched({ a: '1' });
    letTimePass();
    await look();
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
    const writable = 'other users can write to it (chmod go-w)';
    expect(problems).toEqual([writable]);
    await chmod(path, 0o600);
    await put('a', 'x'.repeat(101));
    await look();
    expect(problems).toEqual([writable, 'it has more than 100 bytes']);
    expect(files.current).toBe('1');
  });

  it('are told apart where there are several', async () => {
    const { look, paths, problems } = await watched({ a: '1', b: '2' });
    await rm(paths[1] ?? '');
    await look();
    expect(problems).toEqual([`${paths[1]}: it cannot be read (ENOENT)`]);
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
    await expect(watchFiles(options)).rejects.toThrow('it is no file');
  });

  it('are looked at no more once that is over', async () => {
    const { clock, files } = await watched({ a: '1' });
    files.close();
    files.close();
    expect(clock.pending).toBe(0);
  });
});

describe('files that are read again when it is asked for', () => {
  it('take effect at once, before the next look', async () => {
    const { changes, files, put } = await watched({ a: '1', b: '2' });
    await put('b', '3');
    await files.reload();
    expect([files.current, changes]).toEqual(['1+3', ['1+2 -> 1+3']]);
    await files.reload();
    expect(changes).toHaveLength(1);
  });

  it('stay as they were good while they are not, which is thrown, and not told beside', async () => {
    const { files, folder, look, problems, put } = await watched({ a: '1' });
    await put('a', 'bad');
    await expect(files.reload()).rejects.toThrow('one is bad');
    await look(3);
    expect([files.current, problems]).toEqual(['1', []]);
    await rm(join(folder, 'a'));
    await expect(files.reload()).rejects.toThrow('it cannot be read (ENOENT)');
    await put('a', '1');
    await files.reload();
    expect([files.current, problems]).toEqual(['1', [undefined]]);
  });

  it('are read once at a time, in whichever way it was asked for', async () => {
    const { changes, clock, files, put } = await watched({ a: '1', b: '2' });
    await put('a', '3');
    clock.advance(FILES_LOOK_MS);
    const first = files.reload();
    await put('b', '4');
    await Promise.all([first, files.reload()]);
    expect(files.current).toBe('3+4');
    expect(changes.at(-1)).toMatch(/-> 3\+4$/);
  });

  it('are not read any more once nobody looks at them', async () => {
    const { changes, files, put } = await watched({ a: '1' });
    files.close();
    await put('a', '2');
    await files.reload();
    expect([files.current, changes]).toEqual(['1', []]);
  });
});

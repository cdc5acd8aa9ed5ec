import { renameSync } from 'node:fs';
import { appendFile, chmod, mkdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ChangeKind, type WatchDirectoryResponse } from '../../src/gen/runlet/v1/file_pb.ts';
import { failureOf } from '../support/failure.ts';
import { type Harness, startHarness, temporaryFolder } from '../support/harness.ts';

type Told = readonly [kind: string, path: string, from?: string];

/** A watch of a folder, and what it tells, paths below the folder. */
class Watching {
  readonly #messages: AsyncIterator<WatchDirectoryResponse>;
  readonly #folder: string;
  readonly #told: Told[] = [];

  constructor(messages: AsyncIterator<WatchDirectoryResponse>, folder: string) {
    this.#messages = messages;
    this.#folder = folder;
  }

  /** What is told next, so much of it. */
  async next(count: number): Promise<readonly Told[]> {
    while (this.#told.length < count) {
      const { done, value } = await this.#messages.next();
      if (done) throw new Error('the stream is over');
      this.#add(value);
    }
    return this.#told.splice(0, count);
  }

  /** All that is told to the end. */
  async rest(): Promise<readonly Told[]> {
    for (;;) {
      const { done, value } = await this.#messages.next();
      if (done) return this.#told.splice(0);
      this.#add(value);
    }
  }

  #add({ response }: WatchDirectoryResponse): void {
    if (response.case === 'overflow' || response.case === 'started') {
      this.#told.push([response.case, '']);
    }
    if (response.case !== 'changes') return;
    const below = (path: string): string => path.slice(this.#folder.length + 1);
    for (const { fromPath, kind, path } of response.value.changes) {
      const name = ChangeKind[kind] ?? '';
      this.#told.push(fromPath === '' ? [name, below(path)] : [name, below(path), below(fromPath)]);
    }
  }
}

async function watch({ files, sessionId }: Harness, folder: string, recursive = false) {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const request = { sessionId, path: folder, recursive };
  const stream = files.watchDirectory(request, { signal: stop.signal });
  const watching = new Watching(stream[Symbol.asyncIterator](), folder);
  expect(await watching.next(1)).toEqual([['started', '']]);
  return watching;
}

describe('WatchDirectory', () => {
  it('tells what happens to files, in order', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'file');
    const watching = await watch(await startHarness(), folder);
    await writeFile(file, '');
    expect(await watching.next(1)).toEqual([['CREATED', 'file']]);
    await appendFile(file, 'more');
    expect(await watching.next(1)).toEqual([['MODIFIED', 'file']]);
    await chmod(file, 0o600);
    expect(await watching.next(1)).toEqual([['ATTRIBUTES', 'file']]);
    renameSync(file, join(folder, 'other'));
    expect(await watching.next(1)).toEqual([['MOVED', 'other', 'file']]);
    await unlink(join(folder, 'other'));
    expect(await watching.next(1)).toEqual([['REMOVED', 'other']]);
  });

  it('tells the end of the folder last, and is over', async () => {
    const folder = await temporaryFolder();
    const watched = join(folder, 'watched');
    await mkdir(watched);
    const watching = await watch(await startHarness(), watched, true);
    await writeFile(join(watched, 'file'), '');
    await rm(watched, { recursive: true });
    const told = await watching.rest();
    expect(told.at(-1)).toEqual(['REMOVED', '']);
    expect(told.slice(0, -1)).toContainEqual(['REMOVED', 'file']);
  });

  it('takes a move of the folder for its end', async () => {
    const folder = await temporaryFolder();
    const watched = join(folder, 'watched');
    await mkdir(watched);
    const watching = await watch(await startHarness(), watched);
    await rename(watched, join(folder, 'elsewhere'));
    expect(await watching.rest()).toEqual([['REMOVED', '']]);
  });

  it('tells of moves out of and into the folder', async () => {
    const folder = await temporaryFolder();
    const outside = await temporaryFolder();
    const watching = await watch(await startHarness(), folder);
    await writeFile(join(outside, 'in'), '');
    await rename(join(outside, 'in'), join(folder, 'in'));
    expect(await watching.next(1)).toEqual([['CREATED', 'in']]);
    await rename(join(folder, 'in'), join(outside, 'out'));
    expect(await watching.next(1)).toEqual([['REMOVED', 'in']]);
  });

  it('watches folders that appear, and tells what is in them', async () => {
    const folder = await temporaryFolder();
    const outside = await temporaryFolder();
    await mkdir(join(outside, 'tree', 'below'), { recursive: true });
    await writeFile(join(outside, 'tree', 'below', 'file'), '');
    const watching = await watch(await startHarness(), folder, true);
    await rename(join(outside, 'tree'), join(folder, 'tree'));
    expect(await watching.next(3)).toEqual([
      ['CREATED', 'tree'],
      ['CREATED', 'tree/below'],
      ['CREATED', 'tree/below/file'],
    ]);
    await writeFile(join(folder, 'tree', 'below', 'later'), '');
    expect(await watching.next(1)).toEqual([['CREATED', 'tree/below/later']]);
  });

  it('joins moves between folders that it watches, and goes on below', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'a', 'tree'), { recursive: true });
    await mkdir(join(folder, 'b'));
    const watching = await watch(await startHarness(), folder, true);
    // At once for the server, which is in this process: it may read a half of it otherwise.
    renameSync(join(folder, 'a', 'tree'), join(folder, 'b', 'moved'));
    expect(await watching.next(1)).toEqual([['MOVED', 'b/moved', 'a/tree']]);
    await writeFile(join(folder, 'b', 'moved', 'file'), '');
    expect(await watching.next(1)).toEqual([['CREATED', 'b/moved/file']]);
    renameSync(join(folder, 'b'), join(folder, 'c'));
    expect(await watching.next(1)).toEqual([['MOVED', 'c', 'b']]);
    await unlink(join(folder, 'c', 'moved', 'file'));
    expect(await watching.next(1)).toEqual([['REMOVED', 'c/moved/file']]);
  });

  it('tells nothing of what is below without recursive', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'below'));
    const watching = await watch(await startHarness(), folder);
    await writeFile(join(folder, 'below', 'file'), '');
    await writeFile(join(folder, 'last'), '');
    expect(await watching.next(1)).toEqual([['CREATED', 'last']]);
  });

  it('does not leave anything where two watch the same', async () => {
    const folder = await temporaryFolder();
    const harness = await startHarness();
    const [one, two] = [await watch(harness, folder), await watch(harness, folder, true)];
    await writeFile(join(folder, 'file'), '');
    expect(await one.next(1)).toEqual([['CREATED', 'file']]);
    expect(await two.next(1)).toEqual([['CREATED', 'file']]);
  });

  it('refuses what is no folder', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    const harness = await startHarness();
    const fails = async (path: string) => (await failureOf(watch(harness, path))).summary;
    expect(await fails(join(folder, 'file'))).toBe('FAILED_PRECONDITION/NOT_A_DIRECTORY');
    expect(await fails(join(folder, 'nothing'))).toBe('NOT_FOUND/FILE_NOT_FOUND');
  });
});

import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import type { Address } from '../../src/address.ts';
import type { CallOptions } from '../../src/bridge/types.ts';
import { MAX_PRINCIPAL_WATCHED } from '../../src/limits.ts';
import { kernelWatches } from '../support/descriptors.ts';
import { failureOf } from '../support/failure.ts';
import { folderInMemory } from '../support/folder-in-memory.ts';
import { connectClients, serveHere, temporaryFolder } from '../support/harness.ts';
import { type InotifyLimits, type LimitedServer, serveWithin } from '../support/inotify-limits.ts';
import { as, namedCallers } from '../support/named-callers.ts';
import { linedToken } from '../support/token-server.ts';

/** Somebody who watches folders, in a session of its own. */
async function watcher(address: Address, options: CallOptions) {
  const clients = connectClients(address);
  const sessionId = randomUUID();
  await clients.sessions.createSession({ sessionId }, options);
  /** Begins to watch a folder and those below it. */
  const watch = async (path: string) => {
    const stop = new AbortController();
    onTestFinished(() => stop.abort());
    const request = { sessionId, path, recursive: true };
    const stream = clients.files.watchDirectory(request, { ...options, signal: stop.signal });
    const messages = stream[Symbol.asyncIterator]();
    expect((await messages.next()).value?.response.case).toBe('started');
    /** The paths of what is told next. */
    const next = async (): Promise<readonly string[]> => {
      const message = await messages.next();
      if (message.done) throw new Error('it is over');
      const { response } = message.value;
      if (response.case !== 'changes') throw new Error(`it tells ${response.case}`);
      return response.value.changes.map((change) => change.path);
    };
    /** How it fails, in the end. */
    const failure = () =>
      failureOf(
        (async () => {
          while ((await messages.next()).done !== true);
        })(),
      );
    return { next, failure, stop: () => stop.abort() };
  };
  const list = async (path: string): Promise<void> => {
    for await (const _ of clients.files.listDirectory({ sessionId, path }, options));
  };
  return { watch, list };
}

/** A server with such limits of the system, and two who watch. */
async function limited(test: TestContext, limits: InotifyLimits) {
  const [ada, ben] = [linedToken('ada'), linedToken('ben')];
  const served = await serveWithin(limits, [ada.line, ben.line]);
  if (typeof served === 'string') return test.skip(`no namespace with limits: ${served}`);
  const both = await Promise.all([ada, ben].map(({ token }) => watcher(served.address, as(token))));
  const [first, second] = both;
  if (first === undefined || second === undefined) throw new Error('there are two');
  return { served, ada: first, ben: second };
}

function counts({ pid }: Pick<LimitedServer, 'pid'>): readonly [queues: number, watches: number] {
  const { queues, watches } = kernelWatches(pid);
  return [queues.length, watches.length];
}

/** A folder with some others in it, one in the other. */
async function tree(levels: number): Promise<string> {
  const folder = join(await temporaryFolder(), 'tree');
  await mkdir(join(folder, 'd/'.repeat(levels - 1)), { recursive: true });
  return folder;
}

describe('a server for which the system has no queue more', () => {
  it('says so, has nothing left of it, and watches when there is one', async (test) => {
    const { ada, ben, served } = await limited(test, { max_inotify_instances: 0 });
    const folder = await tree(2);
    for (let tries = 0; tries < 20; tries++) {
      const { fileFailure, info, summary } = await failureOf(ada.watch(folder));
      expect(summary).toBe('RESOURCE_EXHAUSTED/LIMIT_EXCEEDED');
      expect(info?.metadata).toMatchObject({ limit: 'max_user_instances' });
      expect(fileFailure).toMatchObject({
        operation: 'inotify_init1',
        errnoName: 'EMFILE',
        path: folder,
      });
    }
    await Promise.all([ada, ben].map(({ list }) => list(folder)));
    expect(counts(served)).toEqual([0, 0]);
    await served.limit({ max_inotify_instances: 1 });
    const watching = await ada.watch(folder);
    await writeFile(join(folder, 'd/file'), '');
    expect(await watching.next()).toEqual([join(folder, 'd/file')]);
    expect(counts(served)).toEqual([1, 2]);
  });

  it('lets those who come share one', async (test) => {
    const { ada, ben, served } = await limited(test, { max_inotify_instances: 1 });
    const [hers, his] = [await tree(2), await tree(3)];
    const [one, other] = [await ada.watch(hers), await ben.watch(his)];
    expect(counts(served)).toEqual([1, 5]);
    await writeFile(join(hers, 'hers'), '');
    await writeFile(join(his, 'd/his'), '');
    expect(await one.next()).toEqual([join(hers, 'hers')]);
    expect(await other.next()).toEqual([join(his, 'd/his')]);
    one.stop();
    await expect.poll(() => counts(served)).toEqual([1, 3]);
    await writeFile(join(his, 'd/d/more'), '');
    // It may be told that it was written to, before.
    expect((await other.next()).at(-1)).toBe(join(his, 'd/d/more'));
    other.stop();
    await expect.poll(() => counts(served)).toEqual([0, 0]);
  });
});

describe('a server for which the system watches no folder more', () => {
  const watches = { max_inotify_watches: 6 };

  it('says so, gives up what it had of it, and the others go on', async (test) => {
    const { ada, ben, served } = await limited(test, watches);
    const [small, large] = [await tree(4), await tree(8)];
    const his = await ben.watch(small);
    for (let tries = 0; tries < 10; tries++) {
      const { fileFailure, info, summary } = await failureOf(ada.watch(large));
      expect(summary).toBe('RESOURCE_EXHAUSTED/LIMIT_EXCEEDED');
      expect(info?.metadata).toEqual({ limit: 'max_user_watches', maximum: '6' });
      expect(fileFailure).toMatchObject({
        operation: 'inotify_add_watch',
        errnoName: 'ENOSPC',
        path: join(large, 'd/d'),
      });
      await expect.poll(() => counts(served)).toEqual([1, 4]);
    }
    await writeFile(join(small, 'd/d/d/file'), '');
    expect(await his.next()).toEqual([join(small, 'd/d/d/file')]);
    const hers = await ada.watch(await tree(2));
    expect(counts(served)).toEqual([2, 6]);
    hers.stop();
    await expect.poll(() => counts(served)).toEqual([1, 4]);
  });

  it('ends a watch of what grows beyond that, and no other', async (test) => {
    const { ada, ben, served } = await limited(test, watches);
    const [grows, stays] = [await tree(4), await tree(2)];
    const [hers, his] = [await ada.watch(grows), await ben.watch(stays)];
    await mkdir(join(grows, 'more'));
    const { info, summary } = await hers.failure();
    expect(summary).toBe('RESOURCE_EXHAUSTED/LIMIT_EXCEEDED');
    expect(info?.metadata).toEqual({ limit: 'max_user_watches', maximum: '6' });
    await expect.poll(() => counts(served)).toEqual([1, 2]);
    await writeFile(join(stays, 'd/file'), '');
    expect(await his.next()).toEqual([join(stays, 'd/file')]);
    // There is room again.
    await ada.watch(await tree(4));
  });
});

describe('a caller who watches as many folders as it may', () => {
  it('watches no more of them, while another watches on', async () => {
    const served = await serveHere({ auth: [namedCallers({ ada: {}, ben: {} })] });
    const [ada, ben] = [
      await watcher(served.address, as('ada')),
      await watcher(served.address, as('ben')),
    ];
    const before = kernelWatches();
    const folder = join(await folderInMemory(), 'tree');
    // One less than it may: the start is one as well.
    for (let i = 0; i < MAX_PRINCIPAL_WATCHED - 2; i++) {
      mkdirSync(join(folder, `${i % 64}/${i}`), { recursive: true });
    }
    // Those that the others are in count, too.
    for (let i = 0; i < 64; i++) await rm(join(folder, `${i}/${i}`), { recursive: true });
    const small = await tree(3);
    const [hers, his] = [await ada.watch(folder), await ben.watch(small)];
    const watched = () => kernelWatches().watches.length - before.watches.length;
    expect(watched()).toBe(MAX_PRINCIPAL_WATCHED - 1 + 3);
    const limit = 'max_principal_watched_directories';
    const metadata = { limit, maximum: `${MAX_PRINCIPAL_WATCHED}` };
    const refused = await failureOf(ada.watch(small));
    expect(refused.summary).toBe('RESOURCE_EXHAUSTED/LIMIT_EXCEEDED');
    expect(refused.info?.metadata).toEqual(metadata);
    expect(watched()).toBe(MAX_PRINCIPAL_WATCHED - 1 + 3);
    // The last that it may; and one more, that comes later.
    await mkdir(join(folder, 'last'));
    expect(await hers.next()).toEqual([join(folder, 'last')]);
    await mkdir(join(folder, 'last/beyond'));
    const failure = await hers.failure();
    expect(failure.summary).toBe('RESOURCE_EXHAUSTED/LIMIT_EXCEEDED');
    expect(failure.info?.metadata).toEqual(metadata);
    await expect.poll(watched).toBe(3);
    await writeFile(join(small, 'd/d/file'), '');
    expect(await his.next()).toEqual([join(small, 'd/d/file')]);
    await ada.watch(small);
    expect(watched()).toBe(6);
  });
});

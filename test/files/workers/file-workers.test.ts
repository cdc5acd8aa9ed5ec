import { mkdir, readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { RunletError } from '../../../src/errors.ts';
import { FileWorkers } from '../../../src/files/workers/file-workers.ts';
import { threadLinks } from '../../../src/files/workers/thread-link.ts';
import {
  IDLE_WORKER_MS,
  MAX_FILE_WORKERS,
  MAX_PRINCIPAL_FILE_OPERATIONS,
  MAX_STUCK_WORKERS,
} from '../../../src/limits.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/harness.ts';
import { mountHung } from '../../support/hung-mount.ts';

interface Made {
  readonly workers: FileWorkers;
  readonly errors: unknown[];
}

function makeWorkers(clock = systemClock): Made {
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const workers = new FileWorkers({ open: threadLinks({ roots: [] }), clock, onError });
  onTestFinished(() => workers.close());
  return { workers, errors };
}

function askerOf(principal: string, session = 'session'): { principal: string; asker: unknown } {
  return { principal, asker: `${principal} ${session}` };
}

const ASKER = askerOf('a');
const REFUSED = expect.objectContaining({
  reason: 'LIMIT_EXCEEDED',
  details: expect.objectContaining({
    metadata: expect.objectContaining({ limit: 'max_stuck_file_operations' }),
  }),
});

describe('threads for files', () => {
  it('are none before they are needed, and not more than a few', async () => {
    const { workers } = makeWorkers();
    expect(workers.size).toBe(0);
    const stat = (): Promise<unknown> => workers.run(ASKER, 'stat', { path: '/', follow: true });
    await stat();
    expect(workers.size).toBe(1);
    // One after the other: the same is used again.
    for (let i = 0; i < 20; i++) await stat();
    expect(workers.size).toBe(1);
    await Promise.all(Array.from({ length: 500 }, stat));
    expect(workers.size).toBe(MAX_FILE_WORKERS);
  });

  it('are not shared while there may be more of them', async () => {
    const folder = await filled(300);
    const { workers } = makeWorkers();
    const tasks = Array.from({ length: MAX_FILE_WORKERS - 1 }, () =>
      workers.begin(ASKER, 'listDirectory', { path: folder }),
    );
    for (const task of tasks) expect((await task.next()).done).toBe(false);
    await workers.run(ASKER, 'stat', { path: folder, follow: true });
    expect(workers.size).toBe(MAX_FILE_WORKERS);
    for (const task of tasks) task.close();
  });

  it('end when they have nothing to do', async () => {
    const folder = await filled(300);
    const clock = new FakeClock();
    const { workers } = makeWorkers(clock);
    const task = workers.begin(ASKER, 'listDirectory', { path: folder });
    await task.next();
    await workers.run(ASKER, 'stat', { path: folder, follow: true });
    expect(workers.size).toBe(2);
    clock.advance(IDLE_WORKER_MS);
    // What is under way keeps its own.
    expect(workers.size).toBe(1);
    task.close();
    await eventually(() => {
      clock.advance(IDLE_WORKER_MS);
      expect(workers.size).toBe(0);
    });
    await expect(workers.run(ASKER, 'stat', { path: '/', follow: true })).resolves.toBeDefined();
  });

  it('free what an operation holds when it is given up', async () => {
    const folder = await filled(2000);
    const { errors, workers } = makeWorkers();
    const task = workers.begin(ASKER, 'listDirectory', { path: folder });
    expect((await task.next()).done).toBe(false);
    expect(await openIn(folder)).toBeGreaterThan(0);
    task.close();
    await eventually(async () => expect(await openIn(folder)).toBe(0));
    await expect(task.next()).rejects.toThrow('over');
    const removal = new AbortController();
    const args = { path: folder, recursive: true, missingOk: false };
    const removed = workers.run(ASKER, 'remove', args, removal.signal);
    await eventually(async () => expect((await readdir(folder)).length).toBeLessThan(2000));
    removal.abort(new Error('gone'));
    await removed.catch((error: unknown) => expect(String(error)).toMatch(/gone|over/));
    await eventually(async () => expect(await openIn(folder)).toBe(0));
    expect(errors).toEqual([]);
  });

  it('have so many operations of one principal at most, and of another as many', async () => {
    const folder = await filled(300);
    const { workers } = makeWorkers();
    const begin = async (asker: typeof ASKER): Promise<{ close(): void }> => {
      const task = workers.begin(asker, 'listDirectory', { path: folder });
      await task.next();
      return task;
    };
    const tasks = await Promise.all(
      Array.from({ length: MAX_PRINCIPAL_FILE_OPERATIONS }, () => begin(ASKER)),
    );
    const limit = 'max_principal_file_operations';
    await expect(begin(askerOf('a', 'other'))).rejects.toMatchObject({
      reason: 'LIMIT_EXCEEDED',
      details: { metadata: { limit } },
    });
    tasks.push(await begin(askerOf('b')));
    for (const task of tasks) task.close();
    await eventually(async () => (await begin(ASKER)).close());
  });

  it('say what an operation failed with, and go on', async () => {
    const { errors, workers } = makeWorkers();
    const missing = workers.run(ASKER, 'stat', { path: '/no/such/file', follow: true });
    await expect(missing).rejects.toMatchObject({
      reason: 'FILE_NOT_FOUND',
      details: { fileFailure: { path: '/no/such/file', errnoName: 'ENOENT', entries: 0 } },
    });
    await workers.run(ASKER, 'stat', { path: '/', follow: true });
    expect([workers.size, errors]).toEqual([1, []]);
  });

  it('do nothing more when the server ends', async () => {
    const { workers } = makeWorkers();
    const many = Array.from({ length: 200 }, () =>
      workers.run(ASKER, 'stat', { path: '/', follow: true }),
    );
    const results = Promise.allSettled(many);
    await workers.close();
    for (const result of await results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ reason: 'DRAINING' });
    }
    const late = workers.run(ASKER, 'stat', { path: '/', follow: true });
    await expect(late).rejects.toMatchObject({ reason: 'DRAINING' });
    expect(workers.size).toBe(0);
  });
});

describe.runIf(process.platform === 'linux')('operations on a mount that does not answer', () => {
  it('leave threads to others, are bounded, and keep nothing from ending', async (test) => {
    const mount = join(await temporaryFolder(), 'mount');
    await mkdir(mount);
    const why = await mountHung(mount);
    if (why !== undefined) test.skip(`no mount that hangs: ${why}`);
    const { workers } = makeWorkers();
    const hang = (asker: { principal: string; asker: unknown }): Promise<unknown> =>
      workers.run(asker, 'stat', { path: join(mount, 'file'), follow: true });
    const works = (asker: { principal: string; asker: unknown }): Promise<unknown> =>
      workers.run(asker, 'stat', { path: '/', follow: true });
    const hung: Promise<unknown>[] = [];
    const refused: unknown[] = [];
    const begin = (asker: { principal: string; asker: unknown }): void => {
      const call = hang(asker);
      hung.push(call);
      call.catch((error: unknown) => refused.push(error));
    };
    // One session, more than it may have: what is too much waits, and others go on.
    for (let i = 0; i < 2 * MAX_STUCK_WORKERS; i++) begin(askerOf('a', '1'));
    await eventually(() => expect(workers.size).toBeGreaterThan(MAX_STUCK_WORKERS / 2));
    await works(askerOf('a', '2'));
    await works(askerOf('b'));
    // When it is clear that they will not come back it is refused.
    await eventually(() => expect(refused.length).toBeGreaterThan(0));
    for (const error of refused) expect(error).toEqual(REFUSED);
    await expect(works(askerOf('a', '1'))).rejects.toEqual(REFUSED);
    await works(askerOf('a', '2'));
    await works(askerOf('b'));
    // And when that principal has as many as it may have.
    for (let i = 0; i < 2 * MAX_STUCK_WORKERS; i++) begin(askerOf('a', `${2 + (i % 2)}`));
    const before = refused.length;
    await eventually(() => expect(refused.length).toBeGreaterThan(before));
    await expect(works(askerOf('a', '4'))).rejects.toEqual(REFUSED);
    await works(askerOf('b'));
    expect(workers.size).toBeLessThanOrEqual(MAX_STUCK_WORKERS + MAX_FILE_WORKERS);
    // The end waits for none of them.
    await workers.close();
    for (const call of await Promise.allSettled(hung)) {
      expect(call.status).toBe('rejected');
      if (call.status === 'rejected') expect(call.reason).toBeInstanceOf(RunletError);
    }
  });
});

/** Waits until something holds, however busy the machine. */
function eventually(holds: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(holds, { timeout: 120_000, interval: 20 });
}

/** A folder with some files. */
async function filled(count: number): Promise<string> {
  const folder = await temporaryFolder();
  await Promise.all(Array.from({ length: count }, (_, i) => writeFile(join(folder, `${i}`), '')));
  return folder;
}

/** How many descriptors of this process are of a folder, or of what is in it. */
async function openIn(folder: string): Promise<number> {
  let count = 0;
  for (const descriptor of await readdir('/proc/self/fd')) {
    const target = await readlink(`/proc/self/fd/${descriptor}`).catch(() => '');
    if (target.startsWith(folder)) count += 1;
  }
  return count;
}

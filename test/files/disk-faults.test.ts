import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Agent } from '../../src/files/agent/agent.ts';
import { Desk } from '../../src/files/agent/desk.ts';
import type { AgentAnswer } from '../../src/files/agent/messages.ts';
import { systemError } from '../../src/files/agent/native.ts';
import { Places } from '../../src/files/agent/places.ts';
import { openFence } from '../../src/files/fence.ts';
import { WriteDisposition } from '../../src/gen/runlet/v1/file_pb.ts';
import { failureOf } from '../support/failure.ts';
import { readAll, writeRequests } from '../support/files.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';
import { mountSmall } from '../support/small-disk.ts';

/** What the next call of a function of node:fs fails with. */
const faults = vi.hoisted(() => new Map<string, number>());

vi.mock('node:fs', async (importOriginal) => {
  const actual = await importOriginal<typeof import('node:fs')>();
  const failing =
    (name: string, call: (...args: never[]) => unknown) =>
    (...args: never[]): unknown => {
      const errno = faults.get(name);
      if (errno !== undefined) throw systemError(name, errno);
      return call(...args);
    };
  const { fchmodSync, fsyncSync, readSync, renameSync, writeSync } = actual;
  const replaced = Object.entries({ fchmodSync, fsyncSync, readSync, renameSync, writeSync }).map(
    ([name, call]) => [name, failing(name, call as (...args: never[]) => unknown)],
  );
  return { ...actual, ...Object.fromEntries(replaced) };
});

const EIO = 5;
const EDQUOT = 122;

beforeEach(() => faults.clear());

async function small(size: string): Promise<string | undefined> {
  const folder = join(await temporaryFolder(), 'disk');
  await mkdir(folder);
  return (await mountSmall(folder, size)) === undefined ? folder : undefined;
}

describe.skipIf(process.getuid?.() !== 0)('a disk that is full', () => {
  it('leaves what was there, and nothing else', async ({ skip }) => {
    const disk = await small('1M');
    if (disk === undefined) return skip();
    const { files, sessionId } = await startHarness();
    const path = join(disk, 'file');
    const content = randomBytes(400_000);
    await writeFile(path, content);
    await mkdir(join(disk, 'folder'));
    await writeFile(join(disk, 'folder/large'), content);
    const uploadId = randomUUID();
    const { CREATE_NEW, REPLACE } = WriteDisposition;
    for (const fields of [
      { path, disposition: REPLACE },
      { path, disposition: REPLACE, uploadId },
      { path: join(disk, 'new'), disposition: CREATE_NEW },
    ]) {
      const call = files.writeFile(writeRequests({ sessionId, ...fields }, randomBytes(3_000_000)));
      expect(await failureOf(call)).toMatchObject({
        summary: 'RESOURCE_EXHAUSTED/NO_SPACE',
        fileFailure: { errnoName: 'ENOSPC', path: fields.path },
      });
    }
    const gone = await failureOf(files.getUpload({ sessionId, uploadId }));
    expect(gone.summary).toBe('NOT_FOUND/UPLOAD_NOT_FOUND');
    for (const [from, recursive] of [
      ['file', false],
      ['folder', true],
    ] as const) {
      const [source, targetPath] = [join(disk, from), join(disk, 'copy')];
      const call = files.copyFile({ sessionId, path: source, targetPath, recursive });
      expect((await failureOf(call)).summary).toBe('RESOURCE_EXHAUSTED/NO_SPACE');
    }
    expect((await readFile(path)).equals(content)).toBe(true);
    expect((await readdir(disk)).sort()).toEqual(['file', 'folder']);
    // All that was written is free again.
    await files.writeFile(
      writeRequests({ sessionId, path: join(disk, 'fits') }, randomBytes(150_000)),
    );
  });

  it('lets an upload that appends go on when there is room', async ({ skip }) => {
    const disk = await small('1M');
    if (disk === undefined) return skip();
    const { files, sessionId } = await startHarness();
    const path = join(disk, 'log');
    await writeFile(path, 'before ');
    await writeFile(join(disk, 'ballast'), randomBytes(700_000));
    const content = randomBytes(800_000);
    const open = { sessionId, path, uploadId: randomUUID(), disposition: WriteDisposition.APPEND };
    const full = await failureOf(files.writeFile(writeRequests(open, content)));
    expect(full.summary).toBe('RESOURCE_EXHAUSTED/NO_SPACE');
    await rm(join(disk, 'ballast'));
    const { acceptedOffset } = await files.getUpload({ sessionId, uploadId: open.uploadId });
    expect(Number(acceptedOffset) + 7).toBe((await stat(path)).size);
    await files.writeFile(writeRequests(open, content));
    expect((await readFile(path)).equals(Buffer.concat([Buffer.from('before '), content]))).toBe(
      true,
    );
  });
});

describe.skipIf(process.getuid?.() !== 0)('a file system that is read-only', () => {
  it('is said to be', async ({ skip }) => {
    const disk = await small('1M');
    if (disk === undefined) return skip();
    const path = join(disk, 'file');
    await writeFile(path, 'content');
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    onTestFinished(() => void execFileSync('mount', ['-o', 'remount,rw', disk]));
    const { files, sessionId } = await startHarness();
    for (const disposition of [1, 3] satisfies WriteDisposition[]) {
      const call = files.writeFile(
        writeRequests({ sessionId, path, disposition }, Buffer.from('x')),
      );
      expect((await failureOf(call)).summary).toBe('FAILED_PRECONDITION/READ_ONLY_FILE_SYSTEM');
    }
    const copy = files.copyFile({ sessionId, path, targetPath: join(disk, 'copy') });
    expect((await failureOf(copy)).summary).toBe('FAILED_PRECONDITION/READ_ONLY_FILE_SYSTEM');
    const { content } = await readAll(files.readFile({ sessionId, path }));
    expect(content.toString()).toBe('content');
  });
});

/** Does an operation to its end, as a thread does. */
function run(
  desk: Desk,
  operation: string,
  args: object,
  inputs: readonly unknown[] = [],
): AgentAnswer {
  let answer = desk.answer({ kind: 'begin', task: 1, operation, args });
  const left = [...inputs];
  while (answer.kind === 'piece') {
    const input = answer.piece === undefined ? undefined : left.shift();
    answer = desk.answer({ kind: 'step', task: 1, input });
  }
  return answer;
}

describe('a disk that fails', () => {
  const ways = { 'files without names': undefined, 'temporary names': null } as const;

  it.each(Object.entries(ways))(
    'leaves what was there, and nothing else, with %s',
    async (_, native) => {
      const folder = await temporaryFolder();
      const path = join(folder, 'file');
      const places = new Places([]);
      if (native === null) Object.assign(places, { native: undefined });
      const desk = new Desk(new Agent({ roots: [] }, places));
      const args = { path, disposition: 'replace', parents: false, ifVersion: '', sync: true };
      await writeFile(path, 'as it was');
      for (const name of ['writeSync', 'fchmodSync', 'fsyncSync', 'renameSync']) {
        for (const [errno, reason, errnoName] of [
          [EIO, 'FILE_FAILED', 'EIO'],
          [EDQUOT, 'NO_SPACE', 'EDQUOT'],
        ] as const) {
          faults.set(name, errno);
          const answer = run(desk, 'writeFile', args, [
            Buffer.from('new'),
            { finish: openFence() },
          ]);
          faults.clear();
          expect([name, answer]).toMatchObject([
            name,
            { kind: 'fault', fault: { reason, failure: { errnoName, path } } },
          ]);
          expect([await readFile(path, 'utf8'), await readdir(folder)]).toEqual([
            'as it was',
            ['file'],
          ]);
        }
      }
      faults.set('readSync', EIO);
      const read = run(desk, 'readFile', { path, offset: 0n, ifVersion: '' });
      const copy = run(desk, 'copy', {
        path,
        targetPath: `${path}2`,
        recursive: false,
        replace: false,
      });
      faults.clear();
      for (const answer of [read, copy]) {
        expect(answer).toMatchObject({ kind: 'fault', fault: { reason: 'FILE_FAILED' } });
      }
      expect(await readdir(folder)).toEqual(['file']);
      expect(run(desk, 'writeFile', args, [Buffer.from('new'), { finish: openFence() }]).kind).toBe(
        'done',
      );
      expect(await readFile(path, 'utf8')).toBe('new');
    },
  );
});

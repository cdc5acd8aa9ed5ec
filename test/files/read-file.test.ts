import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFile,
  constants,
  open,
  readFile,
  rename,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ReadFileRequest } from '../../src/gen/runlet/v1/file_pb.ts';
import { failureOf } from '../support/failure.ts';
import { readAll, sha256Of } from '../support/files.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';

/** More than is sent to a client that reads nothing, so that the rest is read later. */
const LARGE_BYTES = 24 * 1024 * 1024;

type Fields = Partial<Pick<ReadFileRequest, 'offset' | 'length' | 'ifVersion'>>;

async function reader() {
  const folder = await temporaryFolder();
  const { files, sessionId } = await startHarness();
  return {
    folder,
    read: (path: string, fields: Fields = {}) =>
      readAll(files.readFile({ sessionId, path, ...fields })),
    /** Reads some, lets something happen, and reads the rest. */
    readWhile: async (path: string, happen: () => Promise<void>) => {
      const stream = files.readFile({ sessionId, path });
      return readAll(
        (async function* pieces() {
          let data = 0;
          for await (const response of stream) {
            if (response.response.case === 'data' && data++ === 0) await happen();
            yield response;
          }
        })(),
      );
    },
  };
}

describe('a part of a file', () => {
  it('is what was asked for of what there is', async () => {
    const { folder, read } = await reader();
    const path = join(folder, 'file');
    const content = randomBytes(700_000);
    await writeFile(path, content);
    for (const [offset, length] of [
      [0n, 0n],
      [0n, 1n],
      [699_999n, 100n],
      [262_143n, 262_146n],
      [700_000n, undefined],
      [2n ** 64n - 1n, undefined],
      [1n, 2n ** 64n - 1n],
    ] as const) {
      const found = await read(path, { offset, ...(length === undefined ? {} : { length }) });
      const [from, to] = [Number(offset), Number(offset + (length ?? 700_000n))];
      const wanted = content.subarray(from, to);
      expect([offset, found.content.equals(wanted)]).toEqual([offset, true]);
      expect(found.end?.bytes).toBe(BigInt(wanted.length));
      expect(Buffer.from(found.end?.sha256 ?? []).equals(sha256Of(wanted))).toBe(true);
    }
    const { file } = await read(path);
    await read(path, { ifVersion: file?.version ?? '' });
    await writeFile(path, 'x');
    for (const name of [path, join(folder, 'none')]) {
      const failure = await failureOf(read(name, { ifVersion: file?.version ?? '' }));
      expect(failure.summary).toBe('FAILED_PRECONDITION/VERSION_MISMATCH');
    }
    expect((await failureOf(read(join(folder, 'none')))).summary).toBe('NOT_FOUND/FILE_NOT_FOUND');
  });
});

describe('what is no usual file', () => {
  it('is refused at once and not opened', async () => {
    const { folder, read } = await reader();
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    const socket = createServer().listen(join(folder, 'socket'));
    onTestFinished(() => void socket.close());
    for (const [path, reason] of [
      [join(folder, 'fifo'), 'NOT_A_REGULAR_FILE'],
      [join(folder, 'socket'), 'NOT_A_REGULAR_FILE'],
      ['/dev/zero', 'NOT_A_REGULAR_FILE'],
      ['/dev/tty', 'NOT_A_REGULAR_FILE'],
      [folder, 'IS_A_DIRECTORY'],
      [join(folder, 'fifo/x'), 'NOT_A_DIRECTORY'],
    ] as const) {
      const failure = await failureOf(read(path));
      expect([path, failure.summary]).toEqual([path, `FAILED_PRECONDITION/${reason}`]);
    }
    // Nobody has it open to read.
    const { O_NONBLOCK, O_WRONLY } = constants;
    const opened = open(join(folder, 'fifo'), O_WRONLY | O_NONBLOCK);
    await expect(opened).rejects.toMatchObject({ code: 'ENXIO' });
  });

  it('is read to its end though it has no size, or not to the size that it has', async () => {
    const { read } = await reader();
    for (const path of [
      '/proc/version',
      '/proc/kallsyms',
      '/sys/kernel/mm/transparent_hugepage/enabled',
    ]) {
      const content = await readFile(path).catch(() => undefined);
      if (content === undefined) continue;
      const found = await read(path);
      expect([path, found.content.equals(content)]).toEqual([path, true]);
      expect(found.end?.bytes).toBe(BigInt(content.length));
    }
  });

  it('is read where it has holes', async () => {
    const { folder, read } = await reader();
    const path = join(folder, 'sparse');
    await writeFile(path, 'start');
    await truncate(path, 2 ** 40);
    await appendFile(path, 'end');
    const { content, file } = await read(path, { offset: 2n ** 40n - 300_000n });
    expect(file?.size).toBe(2n ** 40n + 3n);
    expect(content.subarray(0, 300_000).every((byte) => byte === 0)).toBe(true);
    expect(content.subarray(300_000).toString()).toBe('end');
  });
});

describe('a file that is changed while it is read', () => {
  it('is read to where it ended when it only grows', async () => {
    const { folder, readWhile } = await reader();
    const path = join(folder, 'file');
    const content = randomBytes(LARGE_BYTES);
    await writeFile(path, content);
    const found = await readWhile(path, () => appendFile(path, 'more'));
    expect(found.content.equals(content)).toBe(true);
    expect(found.end?.bytes).toBe(BigInt(LARGE_BYTES));
  });

  it('is told apart when it becomes shorter or another', async () => {
    const { folder, readWhile } = await reader();
    const path = join(folder, 'file');
    const changes = {
      'cut to nothing': () => truncate(path, 0),
      'cut a little': () => truncate(path, LARGE_BYTES - 1),
      'written in the middle': async () => {
        const handle = await open(path, 'r+');
        await handle.write('x', LARGE_BYTES / 2);
        await handle.close();
      },
    };
    for (const [name, change] of Object.entries(changes)) {
      await writeFile(path, randomBytes(LARGE_BYTES));
      const failure = await failureOf(readWhile(path, change));
      expect([name, failure.summary]).toEqual([name, 'ABORTED/FILE_CHANGED']);
    }
  });

  it('is read as it was when another takes its name', async () => {
    const { folder, readWhile } = await reader();
    const path = join(folder, 'file');
    const content = randomBytes(LARGE_BYTES);
    await writeFile(path, content);
    await writeFile(join(folder, 'new'), 'new');
    const found = await readWhile(path, () => rename(join(folder, 'new'), path));
    expect(found.content.equals(content)).toBe(true);
    expect(await readFile(path, 'utf8')).toBe('new');
  });
});

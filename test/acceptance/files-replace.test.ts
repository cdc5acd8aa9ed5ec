import type { ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { parseAddress } from '../../src/address.ts';
import { isCallError } from '../../src/client/call-error.ts';
import { spawnCli } from '../support/cli.ts';
import { failureOf } from '../support/failure.ts';
import { readAll, sha256Of, writeRequests } from '../support/files.ts';
import { firstLineOf } from '../support/first-line.ts';
import { connectClients, temporaryFolder } from '../support/harness.ts';

const ROUNDS = 6;
const READERS = 10;
const SIZE = 2_000_000;

/** Each byte of a content tells which it is, so that no mix passes for one. */
const CONTENTS = ['a', 'b'].map((letter) => Buffer.alloc(SIZE, letter));
const HASHES = CONTENTS.map((content) => sha256Of(content).toString('hex'));

async function serve(folder: string): Promise<ChildProcess> {
  const listen = `unix:${join(folder, 's')}`;
  const child = spawnCli(['serve', '--listen', listen, '--state-dir', join(folder, 'state')], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => kill(child));
  await firstLineOf(child);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** Does something again and again until the server is gone. */
async function untilGone(step: (count: number) => Promise<void>): Promise<void> {
  for (let count = 0; ; count++) {
    try {
      await step(count);
    } catch (error) {
      if (!isCallError(error)) throw error;
      const { summary } = await failureOf(Promise.reject(error));
      if (summary.endsWith('/undefined')) return;
      // A machine that is very busy lets a disk look as one that hangs: the call is refused then.
      expect(['ABORTED/FILE_CHANGED', 'RESOURCE_EXHAUSTED/LIMIT_EXCEEDED']).toContain(summary);
    }
  }
}

describe('a file that is replaced while others read it', () => {
  it('is the old one or the new one, however the server ends', async () => {
    const folder = await temporaryFolder();
    const data = join(folder, 'data');
    const path = join(data, 'file');
    await mkdir(data);
    await writeFile(path, CONTENTS[0] ?? '');
    for (let round = 0; round < ROUNDS; round++) {
      const server = await serve(folder);
      const address = parseAddress(`unix:${join(folder, 's')}`);
      // What the one before left is removed by this one.
      await vi.waitFor(async () => expect(await readdir(data)).toEqual(['file']), 20_000);
      const { files, sessions } = connectClients(address);
      const { session } = await sessions.createSession({});
      const sessionId = session?.sessionId ?? '';
      const readers = Array.from({ length: READERS }, () => connectClients(address).files);
      let [read, written] = [0, 0];
      const ends = [
        untilGone(async (count) => {
          const content = CONTENTS[count % 2] ?? Buffer.alloc(0);
          await files.writeFile(writeRequests({ sessionId, path }, content));
          written += 1;
        }),
        ...readers.map((reader) =>
          untilGone(async () => {
            const { content, end } = await readAll(reader.readFile({ sessionId, path }));
            expect(HASHES).toContain(sha256Of(content).toString('hex'));
            expect(Buffer.from(end?.sha256 ?? []).toString('hex')).toBe(
              sha256Of(content).toString('hex'),
            );
            read += 1;
          }),
        ),
      ];
      await vi.waitFor(() => {
        expect(Math.min(read, written)).toBeGreaterThan(1);
      }, 60_000);
      // A moment by chance: whenever it is, what holds below has to.
      await sleep(randomInt(500));
      await kill(server);
      await Promise.all(ends);
      expect(HASHES).toContain(sha256Of(await readFile(path)).toString('hex'));
    }
    await serve(folder);
    await vi.waitFor(async () => expect(await readdir(data)).toEqual(['file']), 20_000);
  });
});

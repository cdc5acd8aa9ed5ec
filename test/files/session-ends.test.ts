import { randomUUID } from 'node:crypto';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LivePieces } from '../../src/conformance/file-calls.ts';
import { allOf, pieceOf, unpacking, writing } from '../../src/conformance/file-streams.ts';
import { failureOf } from '../support/failure.ts';
import { type Harness, startHarness, temporaryFolder } from '../support/harness.ts';

/** More than lies between a server and a client that reads no more. */
const LARGE = 64 * 1024 * 1024;

/** Streams of files that are under way, and what is to stay as it is. */
async function underWay({ files, sessionId }: Harness) {
  const folder = await temporaryFolder();
  const path = join(folder, 'file');
  await writeFile(path, 'old');
  await writeFile(join(folder, 'large'), '');
  await truncate(join(folder, 'large'), LARGE);
  const pieces = new LivePieces();
  const uploadId = randomUUID();
  const written = failureOf(files.writeFile(writing({ sessionId, path, uploadId }, pieces)));
  pieces.give(pieceOf('new'));
  const accepted = async (): Promise<bigint> =>
    (await files.getUpload({ sessionId, uploadId }).catch(() => undefined))?.acceptedOffset ?? 0n;
  await expect.poll(accepted).toBe(3n);
  async function* never(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(0);
    await new Promise(() => {});
  }
  const tree = unpacking({ sessionId, path: join(folder, 'tree') }, never());
  const unpacked = failureOf(files.writeTree(tree));
  const watch = files.watchDirectory({ sessionId, path: folder })[Symbol.asyncIterator]();
  await watch.next();
  const watched = failureOf(
    (async () => {
      while ((await watch.next()).done !== true);
    })(),
  );
  // It stands still: its client reads no more.
  const read = files.readFile({ sessionId, path: join(folder, 'large') })[Symbol.asyncIterator]();
  await read.next();
  const ends = async (): Promise<readonly string[]> => {
    const rest = failureOf(allOf({ [Symbol.asyncIterator]: () => read }));
    const failures = await Promise.all([written, unpacked, watched, rest]);
    return failures.map(({ summary }) => summary);
  };
  const left = async (): Promise<unknown> => [
    (await readdir(folder)).toSorted(),
    await readFile(path, 'utf8'),
  ];
  return { ends, left };
}

describe('streams of files under way', () => {
  it('end at once when their session is closed, and leave nothing', async () => {
    const harness = await startHarness();
    const { ends, left } = await underWay(harness);
    await harness.sessions.closeSession({ sessionId: harness.sessionId });
    expect(await ends()).toEqual(Array(4).fill('NOT_FOUND/SESSION_CLOSED'));
    await expect.poll(left).toEqual([['file', 'large'], 'old']);
  });

  it('end at once when the server shuts down, and leave nothing', async () => {
    const harness = await startHarness();
    const { ends, left } = await underWay(harness);
    const stopped = harness.runlet.shutdown();
    expect(await ends()).toEqual(Array(4).fill('UNAVAILABLE/DRAINING'));
    await stopped;
    expect(await left()).toEqual([['file', 'large'], 'old']);
  });
});

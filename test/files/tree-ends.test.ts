import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';
import { archiveOf } from '../support/tar.ts';
import { treeRequests } from '../support/trees.ts';

const FILES = 200;
const ARCHIVE = archiveOf(
  ...Array.from({ length: FILES }, (_, index) => ({
    name: `d${index % 7}/f${index}`,
    content: 'x',
  })),
);

/** Messages of which the last one never comes: `onSent` is called when it would. */
async function* stalled<T>(messages: AsyncIterable<T>, count: number, onSent: () => void) {
  let sent = 0;
  for await (const message of messages) {
    if (sent === count) {
      onSent();
      await new Promise(() => {});
    }
    sent += 1;
    yield message;
  }
}

/** Waits until a folder has nothing. */
async function untilEmpty(folder: string): Promise<void> {
  await vi.waitFor(async () => expect(await readdir(folder)).toEqual([]), { timeout: 20_000 });
}

describe('a tree that is not written to its end', () => {
  it.each([0, 1, 3, 17, 40, 64])('leaves nothing when it is cut after %d pieces', async (count) => {
    const { files, sessionId } = await startHarness();
    const folder = await temporaryFolder();
    const open = { sessionId, path: join(folder, 'new') };
    const cut = new AbortController();
    const requests = treeRequests(open, ARCHIVE, { pieceBytes: 3000 });
    const call = files.writeTree(
      stalled(requests, count + 1, () => cut.abort()),
      { signal: cut.signal },
    );
    await expect(call).rejects.toThrow();
    await untilEmpty(folder);
  });

  it('ends with its session, and leaves nothing', async () => {
    const { files, sessionId, sessions } = await startHarness();
    const folder = await temporaryFolder();
    const open = { sessionId, path: join(folder, 'new') };
    const requests = treeRequests(open, ARCHIVE, { pieceBytes: 3000 });
    let close: Promise<unknown> | undefined;
    const call = files.writeTree(
      stalled(requests, 20, () => {
        close = vi
          .waitFor(async () => expect(await readdir(folder)).toHaveLength(1))
          .then(() => sessions.closeSession({ sessionId }));
      }),
    );
    expect((await failureOf(call)).summary).toBe('NOT_FOUND/SESSION_CLOSED');
    await close;
    await untilEmpty(folder);
  });
});

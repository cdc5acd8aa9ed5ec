import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pieceOf, writing } from '../../src/conformance/file-streams.ts';
import type { AgentRequest } from '../../src/files/agent/messages.ts';
import { WriteDisposition } from '../../src/gen/runlet/v1/file_pb.ts';
import { attach } from '../support/attach.ts';
import { failureOf } from '../support/failure.ts';
import { connectClients, type Harness, startHarness, temporaryFolder } from '../support/harness.ts';
import { type HeldStep, holdStep } from '../support/held-steps.ts';
import { archiveOf } from '../support/tar.ts';
import { treeRequests } from '../support/trees.ts';

/** The last step of a file or of a tree: all of it has arrived. */
function isLast(request: AgentRequest): boolean {
  if (request.kind !== 'step') return false;
  const { input } = request;
  return input === 'finish' || (typeof input === 'object' && input !== null && 'finish' in input);
}

/** How the call ends whose last step is held, and what it is told. */
const ENDS: Readonly<
  Record<string, readonly [string, (of: Harness, cancel: AbortController) => Promise<unknown>]>
> = {
  'is taken over': ['ABORTED/ATTACHMENT_SUPERSEDED', takeOver],
  'ends with its session': [
    'NOT_FOUND/SESSION_CLOSED',
    ({ sessionId, sessions }) => sessions.closeSession({ sessionId }),
  ],
  'is cancelled': ['CANCELLED/undefined', async (_, cancel) => cancel.abort()],
};

/** A later attachment, over another connection, as another client has. */
function takeOver({ address, sessionId }: Pick<Harness, 'address' | 'sessionId'>) {
  return attach(connectClients(address), sessionId);
}

/** Lets a step go on, and waits until the thread has done with it and all that follows. */
async function goOn({ runlet }: Harness, held: HeldStep): Promise<void> {
  const stopped = runlet.shutdown();
  held.release();
  await stopped;
}

/** What is there before a write, how that is done, and what is there if it is not finished. */
const WRITES: Readonly<
  Record<string, { before?: string; after?: string; disposition: WriteDisposition }>
> = {
  'a new file': { disposition: WriteDisposition.REPLACE },
  'a file that replaces another': {
    before: 'as before',
    after: 'as before',
    disposition: WriteDisposition.REPLACE,
  },
  'a file that must be new': { disposition: WriteDisposition.CREATE_NEW },
  // What was written is: only what comes last is not done, by which the rest would be cut off.
  'a file in its place': {
    before: 'old before',
    after: 'new before',
    disposition: WriteDisposition.IN_PLACE,
  },
};

describe.each(Object.entries(ENDS))('a write that %s in its last step', (how, [expected, end]) => {
  it.each(Object.entries(WRITES))('of %s is not done', async (_, write) => {
    const { after, before, disposition } = write;
    const harness = await startHarness();
    const { files, sessionId } = harness;
    const folder = await temporaryFolder();
    const path = join(folder, 'file');
    if (before !== undefined) await writeFile(path, before);
    const { attachmentId } = await attach(harness, sessionId);
    const held = holdStep(isLast);
    const open = { sessionId, attachmentId, path, disposition };
    const cancel = new AbortController();
    const call = failureOf(
      files.writeFile(writing(open, [pieceOf('new')]), { signal: cancel.signal }),
    );
    await held.asked;
    await end(harness, cancel);
    expect((await call).summary).toBe(expected);
    // So that the server knows of it, too.
    if (how === 'is cancelled') await untilLogged(harness, 'WriteFile');
    await goOn(harness, held);
    expect(await readdir(folder)).toEqual(after === undefined ? [] : ['file']);
    if (after !== undefined) expect(await readFile(path, 'utf8')).toBe(after);
  });

  it.each([
    ['new', undefined],
    ['there already', { replace: true }],
  ])('of a tree into a folder that is %s is not done', async (_, there) => {
    const harness = await startHarness();
    const { files, sessionId } = harness;
    const folder = await temporaryFolder();
    const path = join(folder, 'tree');
    if (there !== undefined) mkdirSync(path);
    const { attachmentId } = await attach(harness, sessionId);
    const held = holdStep(isLast);
    const open = { sessionId, attachmentId, path, ...there };
    const cancel = new AbortController();
    const archive = archiveOf({ name: 'a', content: 'x' }, { name: 'b/c', content: 'x' });
    const call = failureOf(files.writeTree(treeRequests(open, archive), { signal: cancel.signal }));
    await held.asked;
    await end(harness, cancel);
    expect((await call).summary).toBe(expected);
    if (how === 'is cancelled') await untilLogged(harness, 'WriteTree');
    await goOn(harness, held);
    expect(await readdir(folder, { recursive: true })).toEqual(there === undefined ? [] : ['tree']);
  });
});

/** Resolves when the server knows that a call is over. */
async function untilLogged({ log }: Harness, method: string): Promise<void> {
  await expect.poll(() => log.some((line) => line.includes(`/${method}"`))).toBe(true);
}

describe('an upload that is taken over in its last step', () => {
  it('is finished by the later attachment, and was not before', async () => {
    const harness = await startHarness();
    const { files, sessionId } = harness;
    const folder = await temporaryFolder();
    const path = join(folder, 'file');
    const first = await attach(harness, sessionId);
    const held = holdStep(isLast);
    const open = { sessionId, path, uploadId: randomUUID() };
    const mine = { ...open, attachmentId: first.attachmentId };
    const call = failureOf(files.writeFile(writing(mine, [pieceOf('content')])));
    await held.asked;
    const later = connectClients(harness.address);
    const second = await attach(later, sessionId);
    expect((await call).summary).toBe('ABORTED/ATTACHMENT_SUPERSEDED');
    held.release();
    const yours = { ...open, attachmentId: second.attachmentId };
    // It goes on when the step is done with; without an end of its own it finishes nothing.
    const more = later.files.writeFile(writing(yours, [pieceOf(', more', 7)], { finish: false }));
    expect((await failureOf(more)).summary).toBe('FAILED_PRECONDITION/UPLOAD_UNFINISHED');
    expect(await readdir(folder)).toEqual([]);
    await later.files.writeFile(writing(yours, []));
    expect(await readFile(path, 'utf8')).toBe('content, more');
  });
});

/** Files that take some turns to be put where they belong. */
const MANY = 6_000;

describe('a tree of which some has its place already', () => {
  it('gets no more of it there when it is taken over', async () => {
    const harness = await startHarness();
    const { files, sessionId } = harness;
    const folder = await temporaryFolder();
    const path = join(folder, 'tree');
    mkdirSync(path);
    const { attachmentId } = await attach(harness, sessionId);
    const placed = (): number => readdirSync(path).filter((name) => /^f\d+$/.test(name)).length;
    const held = holdStep(({ kind }) => kind === 'step' && existsSync(path) && placed() > 0);
    const members = Array.from({ length: MANY }, (_, i) => ({ name: `f${i}` }));
    const open = { sessionId, attachmentId, path };
    const call = failureOf(files.writeTree(treeRequests(open, archiveOf(...members))));
    await held.asked;
    const before = placed();
    expect(before).toBeLessThan(MANY);
    await takeOver(harness);
    expect((await call).summary).toBe('ABORTED/ATTACHMENT_SUPERSEDED');
    await goOn(harness, held);
    expect(await readdir(path)).toHaveLength(before);
    expect(placed()).toBe(before);
  });
});

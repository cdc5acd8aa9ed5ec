import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { attach } from '../support/attach.ts';
import { kernelWatches, openedSince, ownDescriptors } from '../support/descriptors.ts';
import { failureOf } from '../support/failure.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { connectClients, serveHere, temporaryFolder } from '../support/harness.ts';
import { holdStep } from '../support/held-steps.ts';
import { as, namedCallers } from '../support/named-callers.ts';

const TTL_MS = 60_000;
const ADA = as('ada');

/** Folders that are watched: the start and those below it. */
const FOLDERS = 4;

/** A server with a session of ada's that one attachment watches a tree in. */
async function watched() {
  const clock = new FakeClock();
  const auth = namedCallers({ ada: {}, ben: {} });
  const limits = { heartbeatMs: 100 * TTL_MS };
  const served = await serveHere({ auth: [auth], clock, limits });
  const clients = connectClients(served.address);
  const { files, sessions } = clients;
  const detachedTtl = { seconds: BigInt(TTL_MS / 1000), nanos: 0 };
  const { session } = await sessions.createSession({ detachedTtl }, ADA);
  const sessionId = session?.sessionId ?? '';
  const folder = join(await temporaryFolder(), 'watched');
  await mkdir(join(folder, 'a/b/c'), { recursive: true });
  const before = { ...kernelWatches(), opened: ownDescriptors() };
  const cancel = new AbortController();
  onTestFinished(() => cancel.abort());
  const watch = (attachmentId = '') =>
    files
      .watchDirectory(
        { sessionId, attachmentId, path: folder, recursive: true },
        { ...ADA, signal: cancel.signal },
      )
      [Symbol.asyncIterator]();
  /** What of it the system has. */
  const left = () => {
    const { queues, watches } = kernelWatches();
    const opened = openedSince(before.opened).filter((one) => /inotify|watched/.test(one));
    return {
      queues: queues.length - before.queues.length,
      watches: watches.length - before.watches.length,
      opened: opened.length,
    };
  };
  const asAda = {
    sessions: {
      ...sessions,
      attachSession: (request: Parameters<typeof sessions.attachSession>[0]) =>
        sessions.attachSession(request, ADA),
    },
  };
  return { ...clients, asAda, auth, cancel, clock, folder, left, served, sessionId, watch };
}

type Watched = Awaited<ReturnType<typeof watched>>;

const NOTHING = { queues: 0, watches: 0, opened: 0 };

/** How a call ends that watches, and what it is told; undefined: it has an end of its own. */
const ENDS: Readonly<
  Record<string, readonly [summary: string | undefined, end: (of: Watched) => unknown]>
> = {
  'is cancelled': ['CANCELLED/undefined', ({ cancel }) => cancel.abort()],
  'is taken over': [
    'ABORTED/ATTACHMENT_SUPERSEDED',
    ({ asAda, sessionId }) => attach(asAda, sessionId),
  ],
  'is of a session that is closed': [
    'NOT_FOUND/SESSION_CLOSED',
    ({ sessionId, sessions }) => sessions.closeSession({ sessionId }, ADA),
  ],
  'is of a caller who is let in no more': [
    'UNAUTHENTICATED/UNAUTHENTICATED',
    ({ auth, clock }) => {
      auth.remove('ada');
      clock.advance(1_000);
    },
  ],
  'is of a server that ends': [
    'UNAVAILABLE/DRAINING',
    ({ served }) => void served.runlet.shutdown(),
  ],
  'is of a folder that is removed': [undefined, ({ folder }) => rm(folder, { recursive: true })],
};

/** All that a watch tells to its end. */
async function drain(messages: AsyncIterator<unknown>): Promise<void> {
  while ((await messages.next()).done !== true);
}

describe.each(Object.entries(ENDS))('a watch that %s', (_, [summary, end]) => {
  it('ends at once, and nothing of it is left', async () => {
    const of = await watched();
    const { attachmentId } = await attach(of.asAda, of.sessionId);
    const messages = of.watch(attachmentId);
    await messages.next();
    expect(of.left()).toEqual({ queues: 1, watches: FOLDERS, opened: 1 });
    const rest = drain(messages);
    rest.catch(() => {});
    await end(of);
    if (summary === undefined) await rest;
    else expect((await failureOf(rest)).summary).toBe(summary);
    await expect.poll(of.left).toEqual(NOTHING);
  });

  it('ends at once also while it begins', async () => {
    const of = await watched();
    const { attachmentId } = await attach(of.asAda, of.sessionId);
    // The start and those below it are watched, and what is in them is about to be read.
    const held = holdStep(({ kind }) => kind === 'step');
    const rest = drain(of.watch(attachmentId));
    rest.catch(() => {});
    await held.asked;
    expect(of.left().queues).toBe(1);
    await end(of);
    // What the thread does is not waited for, where that does not tell of the end.
    if (summary !== undefined) expect((await failureOf(rest)).summary).toBe(summary);
    held.release();
    if (summary === undefined) {
      expect((await failureOf(rest)).summary).toBe('NOT_FOUND/FILE_NOT_FOUND');
    }
    await expect.poll(of.left).toEqual(NOTHING);
  });
});

describe('a watch', () => {
  it('keeps its session for as long as it is under way, and no longer', async () => {
    const { cancel, clock, files, folder, left, sessionId, sessions, watch } = await watched();
    const messages = watch();
    await messages.next();
    clock.advance(10 * TTL_MS);
    await sessions.getSession({ sessionId }, ADA);
    await writeFile(join(folder, 'file'), '');
    expect((await messages.next()).value?.response.case).toBe('changes');
    const rest = drain(messages);
    cancel.abort();
    expect((await failureOf(rest)).summary).toBe('CANCELLED/undefined');
    await expect.poll(left).toEqual(NOTHING);
    // The call before has given it up then.
    await files.statFile({ sessionId, path: folder }, ADA);
    clock.advance(TTL_MS + 1);
    const late = failureOf(sessions.getSession({ sessionId }, ADA));
    expect((await late).summary).toBe('NOT_FOUND/SESSION_NOT_FOUND');
  });

  it('leaves that of another attachment of its caller alone', async () => {
    const { asAda, folder, left, sessionId, watch } = await watched();
    const first = await attach(asAda, sessionId);
    const [one, other] = [watch(first.attachmentId), watch()];
    await one.next();
    await other.next();
    await attach(asAda, sessionId);
    expect((await failureOf(drain(one))).summary).toBe('ABORTED/ATTACHMENT_SUPERSEDED');
    await writeFile(join(folder, 'a/b/c/file'), '');
    expect((await other.next()).value?.response.case).toBe('changes');
    expect(left()).toEqual({ queues: 1, watches: FOLDERS, opened: 1 });
  });
});

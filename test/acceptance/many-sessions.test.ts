import { describe, expect, it } from 'vitest';
import { type Attached, attach } from '../support/attach.ts';
import { failureOf } from '../support/failure.ts';
import { type Clients, connectClients } from '../support/harness.ts';
import { holdingsAtRest, type Served, serve } from '../support/served.ts';

const SESSIONS = 10_000;
const AT_ONCE = 50;
/** Node.js takes many more quick cancellations on one connection for an attack. */
const DETACHES = 500;
const MIB = 1024 * 1024;

/** Long enough to attach, most often. */
const soon = { seconds: 2n, nanos: 0 };
const late = { seconds: 600n, nanos: 0 };

/** Does something `count` times, some of them at once. */
async function times(count: number, action: () => Promise<unknown>): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await action();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/**
 * The processor time that 100 times take of a server, the least of 10: how long they take
 * depends on what else the machine is busy with.
 */
async function hundredTake({ holdings }: Served, action: () => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 10; i += 1) {
    const { cpuMs: before } = await holdings();
    await times(100, action);
    least = Math.min(least, (await holdings()).cpuMs - before);
  }
  return least;
}

async function untilGone({ sessions }: Clients): Promise<void> {
  const count = async (): Promise<number> =>
    (await sessions.listSessions({ pageSize: 1 })).sessions.length;
  await expect.poll(count).toBe(0);
}

/** Attaches; undefined: the session has expired already, on a machine that is busy with much else. */
async function attachInTime(
  sessions: Clients['sessions'],
  sessionId: string,
): Promise<Attached | undefined> {
  try {
    return await attach({ sessions }, sessionId);
  } catch (error) {
    const { summary } = await failureOf(Promise.reject(error));
    if (summary === 'NOT_FOUND/SESSION_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Creates sessions, attaches to each, detaches, and waits until all have expired. */
async function comeAndGo({ address }: Served, clients: Clients, count: number): Promise<void> {
  for (let done = 0; done < count; done += DETACHES) {
    const { connection, sessions } = connectClients(address);
    await times(DETACHES, async () => {
      const { session } = await sessions.createSession({ detachedTtl: soon });
      const attached = await attachInTime(sessions, session?.sessionId ?? '');
      await attached?.detach();
    });
    connection.close();
  }
  await untilGone(clients);
}

async function start(): Promise<{ served: Served; clients: Clients }> {
  const served = await serve();
  return { served, clients: connectClients(served.address) };
}

describe('ten thousand sessions', () => {
  it('come and go: memory, timers and descriptors are what they were', async () => {
    const { clients, served } = await start();
    // The code is warm then, and the heap has grown to what so many at a time need.
    await comeAndGo(served, clients, SESSIONS / 2);
    const before = await holdingsAtRest(served);
    await comeAndGo(served, clients, SESSIONS);
    const { descriptors, resources, zombies } = before;
    await expect.poll(served.holdings).toMatchObject({ descriptors, zombies });
    await expect.poll(async () => (await served.holdings()).resources).toEqual(resources);
    await expect
      .poll(async () => (await served.holdings()).rss - before.rss)
      .toBeLessThan(32 * MIB);
  }, 600_000);

  it('cost the last one no more than the first', async () => {
    const { clients, served } = await start();
    const { sessions } = clients;
    const create = (): Promise<unknown> => sessions.createSession({ detachedTtl: late });
    await comeAndGo(served, clients, 2_000);
    const first = await hundredTake(served, create);
    await times(SESSIONS - 2_000, create);
    const last = await hundredTake(served, create);
    expect(last / first).toBeLessThan(3);
    const { sessions: listed, nextPageToken } = await sessions.listSessions({ pageSize: 1_000 });
    expect(listed).toHaveLength(1_000);
    expect(nextPageToken).not.toBe('');
  }, 600_000);
});

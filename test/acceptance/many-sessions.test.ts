import { describe, expect, it } from 'vitest';
import { attach } from '../support/attach.ts';
import { type Clients, connectClients } from '../support/harness.ts';
import { type Served, serve } from '../support/served.ts';

const SESSIONS = 10_000;
const AT_ONCE = 50;
/** Node.js takes many more quick cancellations on one connection for an attack. */
const DETACHES = 500;
const MIB = 1024 * 1024;

/** Long enough to attach on a machine that is busy with much else. */
const soon = { seconds: 5n, nanos: 0 };
const late = { seconds: 600n, nanos: 0 };

/** Does something `count` times, some of them at once. */
async function times(count: number, action: () => Promise<unknown>): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await action();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** How long 100 times take, the shortest of 10 since the machine is busy with other things too. */
async function hundredTakes(action: () => Promise<unknown>): Promise<number> {
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 10; i += 1) {
    const began = performance.now();
    await times(100, action);
    shortest = Math.min(shortest, performance.now() - began);
  }
  return shortest;
}

async function untilGone({ sessions }: Clients): Promise<void> {
  const count = async (): Promise<number> =>
    (await sessions.listSessions({ pageSize: 1 })).sessions.length;
  await expect.poll(count).toBe(0);
}

/** Creates sessions, attaches to each, detaches, and waits until all have expired. */
async function comeAndGo({ address }: Served, clients: Clients, count: number): Promise<void> {
  for (let done = 0; done < count; done += DETACHES) {
    const { connection, sessions } = connectClients(address);
    await times(DETACHES, async () => {
      const { session } = await sessions.createSession({ detachedTtl: soon });
      const attached = await attach({ sessions }, session?.sessionId ?? '');
      await attached.detach();
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
    const before = await served.holdings();
    await comeAndGo(served, clients, SESSIONS);
    await expect
      .poll(async () => ({ ...(await served.holdings()), rss: 0 }))
      .toEqual({ ...before, rss: 0 });
    expect((await served.holdings()).rss - before.rss).toBeLessThan(32 * MIB);
  });

  it('cost the last one no more than the first', async () => {
    const { clients, served } = await start();
    const { sessions } = clients;
    const create = (): Promise<unknown> => sessions.createSession({ detachedTtl: late });
    await comeAndGo(served, clients, 2_000);
    const first = await hundredTakes(create);
    await times(SESSIONS - 2_000, create);
    const last = await hundredTakes(create);
    expect(last / first).toBeLessThan(3);
    const { sessions: listed, nextPageToken } = await sessions.listSessions({ pageSize: 1_000 });
    expect(listed).toHaveLength(1_000);
    expect(nextPageToken).not.toBe('');
  });
});

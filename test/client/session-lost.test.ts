import { once } from 'node:events';
import { rename } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import {
  type ConnectOptions,
  type RemoteSession,
  SessionLostError,
  type StartedProcess,
} from '../../src/client/index.ts';
import { connectTo, errorOf, QUICK } from '../support/client.ts';
import { connectClients, startHarness } from '../support/harness.ts';
import { serve } from '../support/served.ts';
import { AS_LONG_AS_THE_SERVER, PATH } from '../support/shell.ts';
import { startProxy } from '../support/tcp-proxy.ts';

const env = { PATH };

type Piped = StartedProcess<{ argv: string[]; stdin: 'pipe' }>;

/** A process that neither reads nor writes nor ends. */
function startSilent(session: RemoteSession): Promise<Piped> {
  const argv = ['/bin/sh', '-c', AS_LONG_AS_THE_SERVER];
  return session.start({ argv, env, stdin: 'pipe' });
}

/** Everything that can wait for a process, by what it is. */
function pendingOn(process: Piped): Readonly<Record<string, Promise<unknown>>> {
  const pending = {
    stdout: text(process.stdout),
    stderr: text(process.stderr),
    events: process.events({ after: 1 }).next(),
    // More than its pipe takes.
    stdin: new Promise((resolve, reject) => {
      process.stdin.write(Buffer.alloc(3_000_000), (error) => (error ? reject(error) : resolve(0)));
    }),
    exited: process.exited,
    closed: process.closed,
  };
  // They are looked at later.
  for (const promise of Object.values(pending)) promise.catch(() => {});
  return pending;
}

/** Everything that can be asked of a session and its process. */
function operationsOn(
  session: RemoteSession,
  process: Piped,
): Readonly<Record<string, Promise<unknown>>> {
  return {
    start: session.start({ argv: ['true'] }),
    process: session.process(process.id),
    processes: session.processes(),
    info: session.info(),
    kill: process.kill('SIGINT'),
    terminate: process.terminate(),
    resize: process.resize({ columns: 80, rows: 24 }),
    events: process.events().next(),
  };
}

/** How each of several promises failed: the reason, or what else. */
async function reasonsOf(
  promises: Readonly<Record<string, Promise<unknown>>>,
): Promise<Readonly<Record<string, string>>> {
  const reasons = Object.entries(promises).map(async ([name, promise]) => {
    const error = await errorOf(promise).catch((cause: unknown) => cause);
    return [name, error instanceof SessionLostError ? error.reason : String(error)] as const;
  });
  return Object.fromEntries(await Promise.all(reasons));
}

/** All fail for the same reason, those that wait and those that come. */
async function expectAllLost(
  session: RemoteSession,
  process: Piped,
  pending: Readonly<Record<string, Promise<unknown>>>,
  reason: SessionLostError['reason'],
): Promise<void> {
  const all = (promises: object): unknown =>
    Object.fromEntries(Object.keys(promises).map((name) => [name, reason]));
  expect(await reasonsOf(pending)).toEqual(all(pending));
  const later = operationsOn(session, process);
  expect(await reasonsOf(later)).toEqual(all(later));
  expect((await session.lost) as SessionLostError).toMatchObject({ reason });
  for (const stream of [process.stdin, process.stdout, process.stderr]) {
    expect(stream.destroyed).toBe(true);
    expect(stream.errored).toMatchObject({ reason });
  }
}

/** Notices soon that a server stands still. */
const IMPATIENT = {
  ...QUICK,
  keepaliveMs: 200,
  keepaliveTimeoutMs: 1_000,
  attemptTimeoutMs: 1_000,
};

/** A client of a server in a process of its own. */
async function startServed(options: ConnectOptions = QUICK) {
  const served = await serve();
  const client = connectTo(served.address, options);
  const kill = async (): Promise<void> => {
    const exited = once(served.child, 'exit');
    served.child.kill('SIGKILL');
    await exited;
  };
  return { served, client, kill };
}

describe('a session', () => {
  it('outlives a server that stood still for longer than its keepalive', async () => {
    const served = await serve();
    const proxy = await startProxy(served.address);
    const session = await connectTo(proxy.address, IMPATIENT).session();
    const process = await session.start({ argv: ['cat'], env, stdin: 'pipe' });
    served.child.kill('SIGSTOP');
    await expect.poll(() => session.connected).toBe(false);
    process.stdin.end('written while it stood still');
    const started = session.start({ argv: ['echo', 'started'], env });
    // Several attempts wait in the socket of the server, and are found there when it goes on.
    const before = proxy.accepted();
    await expect.poll(() => proxy.accepted()).toBeGreaterThan(before + 2);
    served.child.kill('SIGCONT');
    expect(await text(process.stdout)).toBe('written while it stood still');
    expect(await text((await started).stdout)).toBe('started\n');
    expect(await session.processes()).toHaveLength(2);
  });

  it('is lost when the server is gone for longer than the window', async () => {
    // Its connection ends with the server, and is not probed: that would end it on a busy machine, too.
    const { client, kill } = await startServed({ ...QUICK, windowMs: 300 });
    const session = await client.session();
    const process = await startSilent(session);
    const pending = pendingOn(process);
    await kill();
    await expectAllLost(session, process, pending, 'window-passed');
  });

  it('is lost when another server has taken the place of its own', async () => {
    const { client, kill, served } = await startServed();
    const session = await client.session();
    const process = await startSilent(session);
    const pending = pendingOn(process);
    await kill();
    await serve('--listen', formatAddress(served.address));
    await expectAllLost(session, process, pending, 'expired');
  });

  it('is not taken for another of the same id on the new server', async () => {
    const { client, kill, served } = await startServed(IMPATIENT);
    const session = await client.session();
    const process = await startSilent(session);
    const pending = pendingOn(process);
    served.child.kill('SIGSTOP');
    await expect.poll(() => session.connected).toBe(false);
    await kill();
    // The client finds it only when there is a session of this id.
    const next = await serve();
    const { sessions } = connectClients(next.address);
    await sessions.createSession({ sessionId: session.id });
    if (next.address.kind !== 'unix' || served.address.kind !== 'unix')
      throw new Error('no socket');
    await rename(next.address.path, served.address.path);
    await expectAllLost(session, process, pending, 'expired');
  });

  it('is lost when it was closed by somebody else', async () => {
    const harness = await startHarness();
    const session = await connectTo(harness.address, QUICK).session();
    const process = await startSilent(session);
    const pending = pendingOn(process);
    await harness.sessions.closeSession({ sessionId: session.id });
    await expectAllLost(session, process, pending, 'closed');
  });

  it('is lost when the server shuts down', async () => {
    const harness = await startHarness();
    const session = await connectTo(harness.address, QUICK).session();
    const process = await startSilent(session);
    const ended = process.closed;
    await harness.runlet.shutdown();
    expect(await ended).toMatchObject({ reason: 'server-shutdown' });
    expect(await session.lost).toMatchObject({ reason: 'server-shutdown' });
  });

  it('is lost to the client that takes it over, within one round trip', async () => {
    const harness = await startHarness();
    const first = await connectTo(harness.address, QUICK).session();
    const process = await startSilent(first);
    const pending = pendingOn(process);
    const second = await connectTo(harness.address, QUICK).session({ id: first.id });
    await expectAllLost(first, process, pending, 'superseded');
    // The winner has it all.
    const same = await second.process(process.id);
    await same.terminate({ graceMs: 0 });
    expect(await same.closed).toMatchObject({ reason: 'terminated' });
  });

  it('is not taken back by a client whose connection was broken meanwhile', async () => {
    const harness = await startHarness();
    const proxy = await startProxy(harness.address);
    const first = await connectTo(proxy.address, QUICK).session();
    const process = await startSilent(first);
    const pending = pendingOn(process);
    proxy.admit(false);
    proxy.cut();
    await expect.poll(() => first.connected).toBe(false);
    const second = await connectTo(harness.address, QUICK).session({ id: first.id });
    proxy.admit(true);
    await expectAllLost(first, process, pending, 'superseded');
    expect(second.connected).toBe(true);
    expect(await second.processes()).toHaveLength(1);
  });

  it('is left by detaching: it goes on, and all that waits fails', async () => {
    const harness = await startHarness();
    const session = await connectTo(harness.address, QUICK).session();
    const process = await startSilent(session);
    const pending = pendingOn(process);
    session.detach();
    await expectAllLost(session, process, pending, 'left');
    const again = await connectTo(harness.address).session({ id: session.id });
    expect((await again.processes()).map(({ state }) => state)).toEqual(['running']);
  });

  it('that was left is not closed at the end of its scope', async () => {
    const harness = await startHarness();
    const client = connectTo(harness.address, QUICK);
    const session = await client.session();
    session.detach();
    await session[Symbol.asyncDispose]();
    expect((await client.sessions()).map(({ id }) => id)).toContain(session.id);
  });

  it('is closed with its processes, and closing it again is no error', async () => {
    const harness = await startHarness();
    const client = connectTo(harness.address, QUICK);
    const session = await client.session();
    const process = await startSilent(session);
    const { closed } = process;
    await Promise.all([session.close(), session.close()]);
    await session.close();
    expect(['session-closed', undefined]).toContain((await closed.catch(() => undefined))?.reason);
    expect((await client.sessions()).map(({ id }) => id)).not.toContain(session.id);
    expect(await reasonsOf(operationsOn(session, process))).toMatchObject({ start: 'left' });
  });

  it('that does not exist is not come back to', async () => {
    const harness = await startHarness();
    const client = connectTo(harness.address, QUICK);
    const error = await errorOf(client.session({ id: '5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b52' }));
    expect(error).toMatchObject({ name: 'SessionLostError', reason: 'expired' });
  });

  it('that is attached is not taken over where that is not wanted', async () => {
    const harness = await startHarness();
    const first = await connectTo(harness.address, QUICK).session();
    const second = connectTo(harness.address, QUICK).session({
      id: first.id,
      ifAttached: 'reject',
    });
    expect(await errorOf(second)).toMatchObject({
      reason: 'refused',
      cause: { reason: 'SESSION_ALREADY_ATTACHED' },
    });
    expect(await first.processes()).toEqual([]);
  });
});

describe('a client', () => {
  it('says that there is no server, at once where it is told to', async () => {
    const client = connectTo(
      { kind: 'unix', path: '/nonexistent/socket' },
      { connectTimeoutMs: 0 },
    );
    for (const operation of [client.info(), client.session(), client.run(['true'])]) {
      expect(await errorOf(operation)).toMatchObject({
        name: 'ConnectionError',
        outcomeUnknown: false,
        message: expect.stringContaining('the server cannot be reached'),
      });
    }
  });

  it('waits for a server that is being started', async () => {
    const harness = await startHarness();
    const proxy = await startProxy(harness.address);
    proxy.admit(false);
    const opening = connectTo(proxy.address, QUICK).session();
    await expect.poll(() => proxy.accepted()).toBeGreaterThan(2);
    proxy.admit(true);
    expect((await opening).connected).toBe(true);
  });

  it('that was closed opens nothing any more', async () => {
    const harness = await startHarness();
    const client = connectTo(harness.address, QUICK);
    const session = await client.session();
    await client.close();
    expect(await session.lost).toMatchObject({ reason: 'left' });
    await expect(client.session()).rejects.toThrow('the client was closed');
    await expect(client.run(['true'])).rejects.toThrow('the client was closed');
  });
});

import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { ConnectOptions, RemoteSession } from '../../src/client/index.ts';
import { Latch } from '../../src/latch.ts';
import { connectTo, errorOf, QUICK } from '../support/client.ts';
import { startHarness } from '../support/harness.ts';
import { PATH } from '../support/shell.ts';
import { startProxy } from '../support/tcp-proxy.ts';

const env = { PATH };

type Metadata = Record<string, string>;

interface Rig {
  readonly session: RemoteSession;
  /** Breaks the connection. */
  cut(): void;
  /** How often the program was asked for its metadata. */
  asked(): number;
  /** What it says from now on. */
  answer(metadata: () => Promise<Metadata>): void;
}

/** A session of a program that asks somebody else for its metadata. */
async function startRig(options: ConnectOptions = {}): Promise<Rig> {
  const harness = await startHarness();
  const proxy = await startProxy(harness.address);
  let asked = 0;
  let answer = async (): Promise<Metadata> => ({});
  const metadata = (): Promise<Metadata> => {
    asked += 1;
    return answer();
  };
  const session = await connectTo(proxy.address, { ...QUICK, ...options, metadata }).session();
  return {
    session,
    cut: proxy.cut,
    asked: () => asked,
    answer: (next) => {
      answer = next;
    },
  };
}

const never = (): Promise<Metadata> => new Promise(() => {});

describe('metadata that the program cannot give', () => {
  it('during a break does not end the session', async () => {
    const { answer, asked, cut, session } = await startRig();
    const process = await session.start({ argv: ['cat'], env, stdin: 'pipe' });
    answer(() => Promise.reject(new Error('no token')));
    const before = asked();
    cut();
    await expect.poll(asked).toBeGreaterThan(before + 2);
    expect(session.connected).toBe(false);
    answer(async () => ({}));
    process.stdin.end('afterward');
    expect(await text(process.stdout)).toBe('afterward');
  });

  it('in time does not hold the end of the recovery window up', async () => {
    const { answer, cut, session } = await startRig({ windowMs: 200 });
    answer(never);
    cut();
    expect(await session.lost).toMatchObject({ reason: 'window-passed' });
  });

  it('in time to open a session fails that', async () => {
    const { address } = await startHarness();
    const options = { attemptTimeoutMs: 50, connectTimeoutMs: 0, metadata: never };
    const error = await errorOf(connectTo(address, options).session());
    expect(error).toMatchObject({ name: 'ConnectionError', outcomeUnknown: false });
    expect(error.message).toMatch(/^the server cannot be reached: no metadata came/);
  });

  it('for a call fails that alone', async () => {
    const { answer, session } = await startRig();
    answer(() => Promise.reject(new Error('no token')));
    expect((await errorOf(session.processes())).message).toBe('no token');
    answer(async () => ({}));
    expect(await session.processes()).toEqual([]);
  });

  it('in time holds no call up when the session is left', async () => {
    const { answer, session } = await startRig();
    answer(never);
    const waiting = errorOf(session.processes());
    session.detach();
    expect(await waiting).toMatchObject({ name: 'SessionLostError', reason: 'left' });
  });

  it('before a start is given up does not let it be sent afterward', async () => {
    const { answer, session } = await startRig();
    const [asked, given] = [new Latch(), new Latch()];
    answer(async () => {
      asked.open();
      await given.wait();
      return {};
    });
    const controller = new AbortController();
    const { signal } = controller;
    const starting = session.start({ argv: ['true'], env }, { signal });
    await asked.wait();
    controller.abort(new Error('enough'));
    expect((await errorOf(starting)).message).toBe('enough');
    given.open();
    // Sent after it, if that was sent.
    await (await session.start({ argv: ['true'], env }, { id: 'next' })).closed;
    expect((await session.processes()).map(({ id }) => id)).toEqual(['next']);
  });
});

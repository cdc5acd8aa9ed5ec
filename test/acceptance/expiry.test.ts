import { describe, expect, it } from 'vitest';
import { DEFAULT_GRACE_MS } from '../../src/limits.ts';
import { attach } from '../support/attach.ts';
import { collect, isStdout, outputOf, readUntil } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { isAlive, pidFrom } from '../support/pids.ts';
import { startShell, type Target } from '../support/shell.ts';

const TTL_MS = 60_000;
const detachedTtl = { seconds: BigInt(TTL_MS / 1000), nanos: 0 };
/** Heartbeats would come as the clock goes on. */
const limits = { heartbeatMs: 100 * TTL_MS };

async function createSession({ sessions }: Harness): Promise<string> {
  const { session } = await sessions.createSession({ detachedTtl });
  return session?.sessionId ?? '';
}

/** Starts a script in a session and returns the pids that it prints in its first line. */
async function startTree(
  harness: Harness,
  sessionId: string,
  script: string,
): Promise<{ target: Target; pids: readonly number[]; stop: () => Promise<void> }> {
  const target = await startShell({ ...harness, sessionId }, script);
  const watch = harness.processes.watchProcess(target)[Symbol.asyncIterator]();
  let text = '';
  while (!text.includes('\n')) text += outputOf(await readUntil(watch, isStdout)).toString();
  const stop = async (): Promise<void> => void (await watch.return?.());
  return { target, pids: text.trim().split(' ').map(pidFrom), stop };
}

/** Resolves once the server is told that calls and streams of the client are over. */
async function untilLogged({ log }: Harness, method: string, count: number): Promise<void> {
  const seen = (): number => log.filter((line) => line.includes(`/${method}"`)).length;
  await expect.poll(seen).toBe(count);
}

describe('a session that nobody needs', () => {
  it('lives to the last millisecond: an attach then succeeds and disarms the sweeper', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock, limits });
    const sessionId = await createSession(harness);
    clock.advance(TTL_MS - 1);
    const attached = await attach(harness, sessionId);
    clock.advance(10 * TTL_MS);
    expect((await harness.sessions.getSession({ sessionId })).session?.attached).toBe(true);
    await attached.detach();
    await untilLogged(harness, 'AttachSession', 1);
    clock.advance(TTL_MS - 1);
    await harness.sessions.getSession({ sessionId });
    clock.advance(TTL_MS);
    expect((await failureOf(harness.sessions.getSession({ sessionId }))).summary).toBe(
      'NOT_FOUND/SESSION_NOT_FOUND',
    );
  });

  it('is unknown from its deadline on, though the sweeper has not run', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock, limits });
    const { processes, sessions } = harness;
    for (const call of [
      (sessionId: string) => attach(harness, sessionId),
      (sessionId: string) => sessions.getSession({ sessionId }),
      (sessionId: string) => processes.listProcesses({ sessionId }),
      (sessionId: string) => startShell({ ...harness, sessionId }, 'true'),
      (sessionId: string) => sessions.closeSession({ sessionId }),
    ]) {
      const sessionId = await createSession(harness);
      clock.skip(TTL_MS);
      expect((await failureOf(call(sessionId))).summary).toBe('NOT_FOUND/SESSION_NOT_FOUND');
    }
    const sessionId = await createSession(harness);
    clock.skip(TTL_MS);
    const { sessions: listed } = await sessions.listSessions({});
    expect(listed.map((session) => session.sessionId)).not.toContain(sessionId);
    // The same id may be used again, for another session.
    const { session } = await sessions.createSession({ sessionId, labels: { second: 'yes' } });
    expect(session?.labels).toEqual({ second: 'yes' });
  });

  it('ends with all its processes, whatever they ignore and wherever they went', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock, limits });
    const sessionId = await createSession(harness);
    // A grandchild that ignores SIGTERM, and one in a session of its own.
    const script = `
      sh -c 'trap "" TERM; echo $$ > stubborn; while :; do sleep 0.01; done' &
      setsid sh -c 'trap "" TERM; echo $$ > stray; while :; do sleep 0.01; done' &
      until [ -s stubborn ] && [ -s stray ]; do sleep 0.01; done
      echo $$ $(cat stubborn) $(cat stray); wait`;
    const { pids, stop, target } = await startTree(harness, sessionId, script);
    expect(pids.map(isAlive)).toEqual([true, true, true]);
    const exitWatch = harness.processes.watchProcess(target)[Symbol.asyncIterator]();
    await readUntil(exitWatch, isStdout);
    await stop();
    await exitWatch.return?.();
    await untilLogged(harness, 'WatchProcess', 2);

    clock.advance(TTL_MS);
    await expect.poll(() => isAlive(pids[0] ?? 0)).toBe(false);
    // The others had their grace, which is over when the clock says so.
    await expect
      .poll(() => {
        clock.advance(DEFAULT_GRACE_MS);
        return pids.map(isAlive);
      })
      .toEqual([false, false, false]);
  });
});

describe('a session without attachments', () => {
  it('lives as long as calls keep naming it, and its time beyond the last', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock, limits });
    const { processes, sessions } = harness;
    const sessionId = await createSession(harness);
    for (let i = 0; i < 20; i++) {
      clock.advance(TTL_MS - 1);
      await processes.listProcesses({ sessionId });
    }
    clock.advance(TTL_MS);
    expect((await failureOf(sessions.getSession({ sessionId }))).summary).toBe(
      'NOT_FOUND/SESSION_NOT_FOUND',
    );
  });

  it('is held by a call that is under way, and has its time from its end', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock, limits });
    const { processes, sessions } = harness;
    const sessionId = await createSession(harness);
    const target = await startShell({ ...harness, sessionId }, 'read line', { stdin: 2 });
    const waiting = processes.waitProcess(target);
    // It has begun once a later call on the connection is answered.
    await processes.getProcess(target);
    clock.advance(10 * TTL_MS);
    await processes.writeStdin({ ...target, eof: true });
    await waiting;
    clock.advance(TTL_MS - 1);
    await sessions.getSession({ sessionId });
  });
});

describe('the time that a session may ask for', () => {
  it('has a range, and a default', async () => {
    const limits = {
      minDetachedTtlMs: 1_000,
      maxDetachedTtlMs: 5_000,
      defaultDetachedTtlMs: 2_000,
    };
    const { sessions } = await startHarness({ limits });
    const ask = (seconds: bigint, nanos = 0): ReturnType<typeof sessions.createSession> =>
      sessions.createSession({ detachedTtl: { seconds, nanos } });
    for (const call of [ask(0n), ask(0n, 999_000_000), ask(5n, 1_000_000), ask(-1n)]) {
      const failure = await failureOf(call);
      expect(failure.summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
      expect(failure.badRequest?.fieldViolations[0]?.field).toBe('detached_ttl');
    }
    expect((await ask(1n)).session?.detachedTtl?.seconds).toBe(1n);
    expect((await ask(5n)).session?.detachedTtl?.seconds).toBe(5n);
    expect((await sessions.createSession({})).session?.detachedTtl?.seconds).toBe(2n);
  });
});

describe('the tree of a process', () => {
  it('is ended with a run that is cancelled, sessions of its own and all', async () => {
    const harness = await startHarness({ shutdownGraceMs: 0 });
    const abort = new AbortController();
    const script = `setsid sh -c 'echo $$; exec sleep 1000' & wait`;
    const spec = { argv: ['/bin/sh', '-c', script], env: { PATH: process.env['PATH'] ?? '' } };
    const run = harness.processes.run({ spec }, { signal: abort.signal })[Symbol.asyncIterator]();
    const pid = pidFrom(outputOf(await readUntil(run, isStdout)).toString());
    abort.abort();
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  it('is ended though it has groups of its own in the session, and the leader exited', async () => {
    const harness = await startHarness();
    const script = 'set -m; sh -c "echo \\$\\$; exec sleep 1000" & exit 0';
    const target = await startShell(harness, script, { argv: ['/bin/bash', '-c', script] });
    const watch = harness.processes.watchProcess(target)[Symbol.asyncIterator]();
    const pid = pidFrom(outputOf(await readUntil(watch, isStdout)).toString());
    await harness.processes.waitProcess({ ...target, until: 2 });
    await harness.processes.terminateProcess({ ...target, grace: { seconds: 0n, nanos: 0 } });
    expect(isAlive(pid)).toBe(false);
  });

  it('is ended though its leader exited, where something of it is still in its session', async () => {
    const harness = await startHarness();
    const script = `
      sh -c 'setsid sh -c "echo \\$\\$; exec sleep 1000" & exec sleep 1000' &
      read -r line < never 2>&- ; exit 0`;
    const target = await startShell(harness, script);
    const watch = harness.processes.watchProcess(target)[Symbol.asyncIterator]();
    const pid = pidFrom(outputOf(await readUntil(watch, isStdout)).toString());
    await harness.processes.waitProcess({ ...target, until: 2 });
    await harness.processes.terminateProcess({ ...target, grace: { seconds: 0n, nanos: 0 } });
    expect(isAlive(pid)).toBe(false);
    await collect(harness.processes.watchProcess(target));
  });
});

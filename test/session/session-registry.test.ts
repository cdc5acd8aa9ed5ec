import { describe, expect, it } from 'vitest';
import { ANYBODY } from '../../src/identity/principal.ts';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import type { Process } from '../../src/process/process.ts';
import { ProcessHost } from '../../src/process/process-host.ts';
import type { Session } from '../../src/session/session.ts';
import { SessionRegistry } from '../../src/session/session-registry.ts';
import { decodeBatch } from '../support/decode.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { memoryStore } from '../support/output.ts';
import { ScriptedLauncher } from '../support/scripted-launcher.ts';

const TTL_MS = 1_000;

/** A registry with one session that has one process. */
async function startRegistry() {
  const clock = new FakeClock();
  const launcher = new ScriptedLauncher();
  const limits = DEFAULT_LIMITS;
  const host = new ProcessHost({
    launcher,
    clock,
    limits,
    environment: new Map(),
    store: memoryStore(clock),
  });
  const sessions = new SessionRegistry({
    host,
    clock,
    limits,
    newId: () => crypto.randomUUID(),
  });
  const session: Session = sessions.create({
    id: undefined,
    labels: new Map(),
    detachedTtlMs: TTL_MS,
    owner: ANYBODY.name,
  });
  const process: Process = await session.processes.start(launcher.request());
  return { clock, host, launcher, process, session, sessions };
}

function reasonOf({ record: { phase } }: Process): string | undefined {
  return phase.state === 'running' ? undefined : phase.exit.reason;
}

/** Everything that can happen without the test's doing has happened. */
const quiet = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the processes of a session that ends', () => {
  it.each([
    ['expires', 'session-expired'],
    ['is closed', 'session-closed'],
    ['is drained', 'server-shutdown'],
  ])('because it %s have that reason, and are released', async (how, reason) => {
    const { clock, host, launcher, process, session, sessions } = await startRegistry();
    expect(host.size).toBe(1);
    if (how === 'expires') clock.advance(TTL_MS);
    else if (how === 'is closed') void sessions.close(session.id, ANYBODY);
    else void sessions.drain();
    await quiet();
    launcher.exitAll();
    await quiet();
    expect(reasonOf(process)).toBe(reason);
    await expect.poll(() => host.size).toBe(0);
    expect(sessions.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it('count as long as somebody reads them, though their session is closed', async () => {
    const { host, launcher, process, session, sessions } = await startRegistry();
    const cursor = session.processes.openCursor(process.id, 0);
    const closing = sessions.close(session.id, ANYBODY);
    await quiet();
    launcher.exitAll();
    await closing;
    expect(host.size).toBe(1);
    cursor.close();
    expect(host.size).toBe(0);
  });

  it('are there for a reader that comes late beside an earlier one, to their end', async () => {
    const { clock, launcher, process, session } = await startRegistry();
    session.enter(undefined, () => {});
    launcher.exitAll();
    await quiet();
    const earlier = session.processes.openCursor(process.id, 0);
    clock.advance(process.record.retentionMs);
    const late = session.processes.openCursor(process.id, 0);
    earlier.close();
    const kinds = decodeBatch(await late.read(1_000)).map(({ event }) => event.case);
    expect(kinds).toEqual(['started', 'exited', 'closed']);
    expect(late.ended).toBe(true);
    late.close();
    expect(() => session.processes.get(process.id)).toThrow('retention');
  });

  it('keep the reason that they had before', async () => {
    const { clock, launcher, process } = await startRegistry();
    launcher.exitAll();
    await quiet();
    clock.advance(TTL_MS);
    await quiet();
    expect(reasonOf(process)).toBe('exited');
  });
});

describe('a session', () => {
  it('is needed while a process of it runs, a call names it, and for a while after that', async () => {
    const { clock, launcher, session, sessions } = await startRegistry();
    clock.advance(TTL_MS / 2);
    expect(sessions.needed(10)).toBe(1);
    launcher.exitAll();
    await quiet();
    expect([sessions.needed(10), sessions.size, sessions.processes]).toEqual([0, 1, 1]);
    const release = session.enter(undefined, () => {});
    clock.advance(10 * TTL_MS);
    expect(sessions.needed(10)).toBe(1);
    release();
    clock.advance(10);
    expect(sessions.needed(10)).toBe(1);
    clock.advance(1);
    expect(sessions.needed(10)).toBe(0);
  });
});

import { describe, expect, it } from 'vitest';
import { ProcessState, StdinMode } from '../../src/gen/runlet/v1/process_pb.ts';
import { AttachMode, type AttachSessionResponse } from '../../src/gen/runlet/v1/session_pb.ts';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import { attach } from '../support/attach.ts';
import { failureOf } from '../support/failure.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { startHarness } from '../support/harness.ts';
import { startShell } from '../support/shell.ts';

describe('an attached stream', () => {
  it('tells of the processes that there are, and then of everything that happens to any', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock, limits: { heartbeatMs: 10_000_000 } });
    const { processes, sessionId } = harness;
    const stdin = StdinMode.PIPE;
    const before = await startShell(harness, 'read line; exit 3', { stdin }, 'before');
    const attached = await attach(harness, sessionId);
    expect(attached.processIds).toEqual(['before']);

    await startShell(harness, 'true', { retention: { seconds: 1_000n, nanos: 0 } }, 'after');
    const events = [];
    for (let i = 0; i < 3; i++) events.push(await attached.next());
    expect(events.map((event) => event?.case)).toEqual([
      'processStarted',
      'processExited',
      'processClosed',
    ]);

    await processes.writeStdin({ ...before, eof: true });
    const exited = await attached.next();
    expect(exited?.case === 'processExited' && exited.value.process?.status?.status.value).toBe(3);
    const closed = await attached.next();
    expect(closed?.case === 'processClosed' && closed.value.process?.state).toBe(
      ProcessState.CLOSED,
    );
    clock.advance(DEFAULT_LIMITS.defaultRetentionMs);
    const evicted = await attached.next();
    expect(evicted?.case === 'processEvicted' && evicted.value.processId).toBe('before');
  });

  it('tells of as many processes as fit into a message, and where to go on', async () => {
    const harness = await startHarness();
    const { processes, sessionId, sessions } = harness;
    const argument = 'x'.repeat(100_000);
    for (let i = 0; i < 15; i++) await startShell(harness, `: ${argument}`, {}, `p${i}`);
    const stream = sessions.attachSession({ sessionId })[Symbol.asyncIterator]();
    const first = ((await stream.next()).value as AttachSessionResponse).event?.event;
    if (first?.case !== 'attached') throw new Error('it is not attached');
    expect(first.value.processes.length).toBeLessThan(15);
    const { nextPageToken: pageToken } = first.value;
    const rest = await processes.listProcesses({ sessionId, pageToken });
    const ids = [...first.value.processes, ...rest.processes].map(({ processId }) => processId);
    expect(ids).toEqual(Array.from({ length: 15 }, (_, i) => `p${i}`));
  });

  it('has heartbeats while nothing happens', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock, limits: { heartbeatMs: 1_000 } });
    const timers = clock.pending;
    const attached = await attach(harness, harness.sessionId);
    for (let i = 0; i < 3; i++) {
      const next = attached.next();
      await expect.poll(() => clock.pending).toBe(timers + 1);
      clock.advance(1_000);
      expect((await next)?.case).toBe('heartbeat');
    }
  });

  it('that nobody reads is ended rather than grow without bound', async () => {
    const harness = await startHarness({ limits: { maxQueuedSessionEvents: 8 } });
    const attached = await attach(harness, harness.sessionId);
    // Events of some size, more than the connection takes before it is read.
    const argument = 'x'.repeat(100_000);
    for (let i = 0; i < 60; i++) await startShell(harness, `: ${argument}`, {}, `p${i}`);
    const failure = await failureOf(attached.toEnd());
    expect(failure.summary).toBe('RESOURCE_EXHAUSTED/LIMIT_EXCEEDED');
    expect(failure.info?.metadata['limit']).toBe('max_queued_session_events');
    const again = await attach(harness, harness.sessionId);
    expect(again.processIds[0]).toBe('p0');
  });

  it('ends with a reason when the session is closed', async () => {
    const harness = await startHarness();
    const { sessionId, sessions } = harness;
    const attached = await attach(harness, sessionId);
    await sessions.closeSession({ sessionId });
    expect((await failureOf(attached.toEnd())).summary).toBe('NOT_FOUND/SESSION_CLOSED');
    expect((await failureOf(attach(harness, sessionId))).summary).toBe(
      'NOT_FOUND/SESSION_NOT_FOUND',
    );
  });

  it('is told that the server shuts down, and of the end of its processes, then ends', async () => {
    const harness = await startHarness();
    await startShell(harness, 'sleep 1000');
    const attached = await attach(harness, harness.sessionId);
    const stopped = harness.runlet.shutdown();
    const kinds = [];
    for (let i = 0; i < 3; i++) kinds.push((await attached.next())?.case);
    expect(kinds).toEqual(['draining', 'processExited', 'processClosed']);
    const failure = await failureOf(attached.toEnd());
    expect(failure.summary).toBe('UNAVAILABLE/DRAINING');
    expect(failure.retry?.retryDelay).toBeDefined();
    await stopped;
  });

  it('is rejected where another is attached, if it asks for that', async () => {
    const harness = await startHarness();
    const { sessionId, sessions } = harness;
    const reject = AttachMode.REJECT_IF_ATTACHED;
    const first = await attach(harness, sessionId, reject);
    expect((await sessions.getSession({ sessionId })).session?.attached).toBe(true);
    expect((await failureOf(attach(harness, sessionId, reject))).summary).toBe(
      'FAILED_PRECONDITION/SESSION_ALREADY_ATTACHED',
    );
    await first.detach();
    await expect
      .poll(async () => (await sessions.getSession({ sessionId })).session?.attached)
      .toBe(false);
    await attach(harness, sessionId, reject);
  });
});

describe('the session id in the request header', () => {
  it('may be left out, may repeat the field in either case, and must not differ from it', async () => {
    const { processes, sessionId, sessions } = await startHarness();
    const other = '00000000-0000-4000-8000-000000000000';
    const header = (id: string) => ({ metadata: { 'runlet-session-id': id } });
    await sessions.getSession({ sessionId }, header(sessionId));
    await sessions.getSession({ sessionId }, header(sessionId.toUpperCase()));
    await sessions.createSession({ sessionId: other }, header(other));
    // Calls that name no session may carry it all the same.
    await sessions.listSessions({}, header(other));
    for (const call of [
      sessions.getSession({ sessionId }, header(other)),
      sessions.createSession({ sessionId }, header(other)),
      sessions.createSession({}, header(other)),
      sessions.closeSession({ sessionId }, header(other)),
      processes.getProcess({ sessionId, processId: 'x' }, header(other)),
      processes.listProcesses({ sessionId }, header('nonsense')),
    ]) {
      const failure = await failureOf(call);
      expect(failure.summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
      expect(failure.badRequest?.fieldViolations[0]?.field).toBe('session_id');
    }
  });
});

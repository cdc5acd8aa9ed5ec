import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { StatsReader } from '../../src/conformance/stats-reader.ts';
import { ProcessState } from '../../src/gen/runlet/v1/process_pb.ts';
import { grantSet } from '../../src/identity/grants.ts';
import { failureOf } from '../support/failure.ts';
import { FakeClock, passTime } from '../support/fake-clock.ts';
import { type Clients, connectClients, serveHere, startHarness } from '../support/harness.ts';
import { as, namedCallers } from '../support/named-callers.ts';
import { awaitRelease, release, shellSpec, startShell } from '../support/shell.ts';

const SOON = { seconds: 0n, nanos: 250_000_000 };

describe('WatchStats', () => {
  it('tells what processes are and use, and what changes of them', async () => {
    const harness = await startHarness();
    const target = await startShell(harness, `echo hello; ${awaitRelease('go')}`);
    const reader = new StatsReader(harness.server, { interval: SOON });
    const first = await reader.round();
    expect(first.reset).toBe(true);
    expect([...reader.sessions.values()]).toMatchObject([
      { info: { sessionId: harness.sessionId }, attached: false, processCount: 1 },
    ]);
    await reader.until((it) => it.process(target.processId)?.outputBytes === 6n);
    expect(reader.process(target.processId)).toMatchObject({
      info: { sessionId: harness.sessionId, program: '/bin/sh' },
      state: ProcessState.RUNNING,
      readers: 0,
      lagBytes: 0n,
    });
    await release(harness, 'go');
    const last = await reader.until(
      (it) => it.process(target.processId)?.state === ProcessState.CLOSED,
    );
    expect(last.reset).toBe(false);
    expect(last.end.totals).toMatchObject({ closedProcesses: 1, runningProcesses: 0 });
    expect(reader.process(target.processId)?.exitTime).toBeDefined();
    await reader.close();
  });

  it('tells of a process of Run, which is in no session', async () => {
    const { processes, server } = await startHarness();
    const reader = new StatsReader(server, { interval: SOON });
    const run = processes.run({ spec: shellSpec('echo on; sleep 1000') })[Symbol.asyncIterator]();
    await run.next();
    await reader.until((it) => it.processes.size === 1);
    expect([...reader.processes.values()]).toMatchObject([{ info: { sessionId: '' } }]);
    await run.return?.();
    await reader.until((it) => it.processes.size === 0);
    await reader.close();
  });

  it('finds what a process and its descendants use', async () => {
    const harness = await startHarness();
    // The program that works is a child of the one that was started, in a session of its own.
    const script = 'setsid sh -c "while :; do :; done" & wait';
    const target = await startShell(harness, script);
    const reader = new StatsReader(harness.server, { interval: SOON });
    await reader.until((it) => {
      const { cpuTime, members, residentBytes = 0n } = it.process(target.processId) ?? {};
      return (cpuTime?.nanos ?? 0) > 0 && members === 2 && residentBytes > 0n;
    });
    await reader.close();
  });

  it('refuses an interval that is out of its range', async () => {
    const { server } = await startHarness();
    for (const interval of [
      { seconds: 0n, nanos: 0 },
      { seconds: 0n, nanos: 249_000_000 },
      { seconds: 60n, nanos: 1_000_000 },
      { seconds: -1n, nanos: 0 },
    ]) {
      const failure = await failureOf(new StatsReader(server, { interval }).round());
      expect(failure.summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
    }
  });

  it('ends with DRAINING when the server shuts down', async () => {
    const harness = await startHarness();
    const reader = new StatsReader(harness.server, { interval: SOON });
    await reader.round();
    const ended = failureOf(reader.until(() => false));
    const stopped = harness.runlet.shutdown();
    expect((await ended).summary).toBe('UNAVAILABLE/DRAINING');
    await stopped;
  });

  it('is bounded for each caller', async () => {
    const harness = await startHarness();
    const { maxPrincipalStatsStreams = 0 } = (await harness.server.getServerInfo({})).limits ?? {};
    const { server } = connectClients(harness.address);
    const readers = Array.from({ length: maxPrincipalStatsStreams }, () => new StatsReader(server));
    await Promise.all(readers.map((reader) => reader.round()));
    const failure = await failureOf(new StatsReader(server).round());
    expect(failure.summary).toBe('RESOURCE_EXHAUSTED/LIMIT_EXCEEDED');
    expect(failure.info?.metadata).toMatchObject({ limit: 'max_principal_stats_streams' });
    await Promise.all(readers.map((reader) => reader.close()));
  });
});

describe('WatchStats of several callers', () => {
  /** A server with these callers, of whom ada and ben have a session with a process each. */
  async function servePeople() {
    const narrow = randomUUID();
    const auth = namedCallers({
      ada: {},
      ben: {},
      narrowed: { sessionId: narrow },
      root: { grants: grantSet(['admin']) },
      looker: { grants: grantSet(['observe']) },
      starter: { grants: grantSet(['start']) },
    });
    const { address } = await serveHere({ auth: [auth] });
    const clients = connectClients(address);
    const ids = { ada: randomUUID(), ben: randomUUID() };
    for (const [name, sessionId] of Object.entries(ids)) {
      await clients.sessions.createSession({ sessionId }, as(name));
      const spec = shellSpec('sleep 1000');
      await clients.processes.startProcess({ sessionId, processId: name, spec }, as(name));
    }
    return { ...clients, ids, narrow };
  }

  async function seen(server: Clients['server'], name: string, all = false) {
    const reader = new StatsReader(server, { all }, as(name));
    const { end } = await reader.round();
    await reader.close();
    const processes = [...reader.processes.values()].map(({ info }) => info);
    return {
      sessions: [...reader.sessions.values()].map(({ info }) => info.sessionId).sort(),
      processes: processes.map(({ owner, processId }) => `${owner} ${processId}`).sort(),
      totals: end.totals,
      server: end.server,
    };
  }

  it('tells each of its own, and one who is granted admin of all', async () => {
    const { ids, server } = await servePeople();
    expect(await seen(server, 'ada')).toMatchObject({
      sessions: [ids.ada],
      processes: ['token:ada ada'],
      totals: { detachedSessions: 1, runningProcesses: 1, openCalls: 1 },
      server: undefined,
    });
    expect(await seen(server, 'looker')).toMatchObject({
      sessions: [],
      processes: [],
      totals: { detachedSessions: 0, runningProcesses: 0, openCalls: 1 },
    });
    const all = await seen(server, 'root', true);
    expect(all).toMatchObject({
      sessions: [ids.ada, ids.ben].sort(),
      processes: ['token:ada ada', 'token:ben ben'],
      totals: { detachedSessions: 2, runningProcesses: 2 },
    });
    expect(all.server?.residentBytes).toBeGreaterThan(0n);
    expect((await seen(server, 'root')).processes).toEqual([]);
  });

  it('is denied to one without the grant', async () => {
    const { server } = await servePeople();
    for (const [name, all, grant] of [
      ['ada', true, 'admin'],
      ['looker', true, 'admin'],
      ['starter', false, 'observe'],
    ] as const) {
      const failure = await failureOf(new StatsReader(server, { all }, as(name)).round());
      expect(failure.summary).toBe('PERMISSION_DENIED/GRANT_MISSING');
      expect(failure.info?.metadata).toEqual({ grant });
    }
  });

  it('tells one whose credentials are narrowed of its session alone', async () => {
    const { narrow, processes, server, sessions } = await servePeople();
    const name = as('narrowed');
    await sessions.createSession({ sessionId: narrow }, name);
    const spec = shellSpec('sleep 1000');
    await processes.startProcess({ sessionId: narrow, processId: 'own', spec }, name);
    expect(await seen(server, 'narrowed')).toMatchObject({
      sessions: [narrow],
      processes: ['token:narrowed own'],
      totals: { detachedSessions: 1, runningProcesses: 1, openCalls: 0 },
      server: undefined,
    });
  });

  it('ends when the credentials are over', async () => {
    const auth = namedCallers({ ada: {}, ben: {} });
    const clock = new FakeClock();
    const { address } = await serveHere({ auth: [auth], clock });
    const { server } = connectClients(address);
    const reader = new StatsReader(server, {}, as('ada'));
    await reader.round();
    auth.remove('ada');
    const ended = failureOf(reader.until(() => false));
    expect((await passTime(clock, ended)).summary).toBe('UNAUTHENTICATED/UNAUTHENTICATED');
  });
});

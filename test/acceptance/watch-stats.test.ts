import { describe, expect, it } from 'vitest';
import { ProcessState } from '../../src/gen/runlet/v1/process_pb.ts';
import { failureOf } from '../support/failure.ts';
import { connectClients, startHarness } from '../support/harness.ts';
import { awaitRelease, release, startShell } from '../support/shell.ts';
import { StatsReader } from '../support/stats-reader.ts';

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

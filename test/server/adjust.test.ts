import { describe, expect, it } from 'vitest';
import { anybodyAuthenticator } from '../../src/identity/anybody.ts';
import { failureOf } from '../support/failure.ts';
import { connectClients, serveHere, startHarness } from '../support/harness.ts';
import { PATH } from '../support/shell.ts';

const FULL = 'RESOURCE_EXHAUSTED/LIMIT_EXCEEDED';

describe('a server that is told otherwise', () => {
  it('bounds sessions anew, and takes none of those that are there', async () => {
    const { runlet, server, sessions } = await startHarness({ limits: { maxSessions: 2 } });
    await sessions.createSession({});
    expect((await failureOf(sessions.createSession({}))).summary).toBe(FULL);
    runlet.adjust({ limits: { maxSessions: 3 } });
    await sessions.createSession({});
    expect((await failureOf(sessions.createSession({}))).summary).toBe(FULL);
    runlet.adjust({ limits: { maxSessions: 1 } });
    expect((await sessions.listSessions({})).sessions).toHaveLength(3);
    expect((await failureOf(sessions.createSession({}))).summary).toBe(FULL);
    expect((await server.getServerInfo({})).limits?.maxSessions).toBe(1);
  });

  it('bounds processes anew', async () => {
    const { processes, runlet, sessionId } = await startHarness({ limits: { maxProcesses: 1 } });
    const spec = { argv: ['true'], env: { PATH } };
    const start = () => processes.startProcess({ sessionId, spec });
    await start();
    expect((await failureOf(start())).summary).toBe(FULL);
    runlet.adjust({ limits: { maxProcesses: 2 } });
    await start();
    expect((await failureOf(start())).summary).toBe(FULL);
  });

  it('gives each of several callers the same part of it as at the start', async () => {
    const { solePrincipal: _, ...auth } = anybodyAuthenticator();
    const { address, runlet } = await serveHere({ auth: [auth] });
    const { server } = connectClients(address);
    runlet.adjust({ limits: { maxSessions: 100, maxProcesses: 11 } });
    expect((await server.getServerInfo({})).limits).toMatchObject({
      maxPrincipalSessions: 50,
      maxPrincipalProcesses: 6,
    });
    runlet.adjust({ limits: { maxSessions: 100, maxPrincipalSessions: 7 } });
    expect((await server.getServerInfo({})).limits).toMatchObject({ maxPrincipalSessions: 7 });
  });

  it('tells what holds for what is asked for from then on', async () => {
    const { runlet, server } = await startHarness();
    runlet.adjust({
      limits: {
        defaultRetentionMs: 7000,
        defaultRetainedBytes: 70_000,
        maxRetainedBytes: 700_000,
        minDetachedTtlMs: 1000,
        defaultDetachedTtlMs: 2000,
        maxDetachedTtlMs: 3000,
        tunnelIdleMs: 4000,
        maxPrincipalStartsPerSecond: 5,
      },
    });
    expect((await server.getServerInfo({})).limits).toMatchObject({
      defaultRetention: { seconds: 7n },
      defaultRetainedBytes: 70_000n,
      maxRetainedBytes: 700_000n,
      minDetachedTtl: { seconds: 1n },
      defaultDetachedTtl: { seconds: 2n },
      maxDetachedTtl: { seconds: 3n },
      tunnelIdleTimeout: { seconds: 4n },
      maxPrincipalStartsPerSecond: 5,
    });
  });

  it('keeps what it was made with', async () => {
    const { runlet, server } = await startHarness({ limits: { outputMemoryBytes: 1_000_000 } });
    const before = (await server.getServerInfo({})).limits;
    runlet.adjust({ limits: { outputMemoryBytes: 1, outputDiskBytes: 1, heartbeatMs: 1 } });
    const { limits } = await server.getServerInfo({});
    expect(limits?.outputMemoryBytes).toBe(before?.outputMemoryBytes);
    expect(limits?.outputDiskBytes).toBe(before?.outputDiskBytes);
    expect(limits?.heartbeatInterval).toEqual(before?.heartbeatInterval);
  });

  it('is ready by other marks at once', async () => {
    const { runlet, sessions } = await startHarness();
    const { readiness } = runlet;
    expect(readiness.current.ready).toBe(true);
    runlet.adjust({ highWater: { sessions: 1 } });
    expect(readiness.current.reasons).toEqual(['sessions']);
    runlet.adjust({ highWater: { sessions: 2 } });
    expect(readiness.current.ready).toBe(true);
    await sessions.createSession({});
    expect(readiness.current.reasons).toEqual(['sessions']);
    runlet.adjust({ highWater: { memoryBytes: 1 } });
    expect(readiness.current.reasons).toEqual(['memory']);
    runlet.adjust({ highWater: undefined });
    expect(readiness.current.ready).toBe(true);
  });

  it('ends as it was told last', async () => {
    const { processes, runlet, sessionId } = await startHarness({ shutdownGraceMs: 600_000 });
    const argv = ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 1; done'];
    const { process } = await processes.startProcess({ sessionId, spec: { argv, env: { PATH } } });
    const processId = process?.processId ?? '';
    await processes.readProcess({ sessionId, processId, wait: { seconds: 30n } });
    runlet.adjust({ shutdownGraceMs: 0, drainMs: 0 });
    await runlet.shutdown();
  });
});

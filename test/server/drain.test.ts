import { describe, expect, it } from 'vitest';
import { createClient } from '../../src/bridge/create-client.ts';
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../src/gen/grpc/health/v1/health_pb.ts';
import { StdinMode, WaitUntil } from '../../src/gen/runlet/v1/process_pb.ts';
import type { ServerOptions } from '../../src/server/server-options.ts';
import { failureOf } from '../support/failure.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { isAlive } from '../support/pids.ts';
import { PATH } from '../support/shell.ts';

/** Longer than any test takes. */
const LONG_MS = 3_600_000;

const DRAINING = 'UNAVAILABLE/DRAINING';

/** A server with a process that says what it reads, and ends with its stdin, which is told to end. */
async function draining(options: Partial<ServerOptions>) {
  const harness = await startHarness({ shutdownGraceMs: LONG_MS, ...options });
  const { processes, sessionId } = harness;
  const spec = { argv: ['cat'], stdin: StdinMode.PIPE, env: { PATH } };
  const { process } = await processes.startProcess({ sessionId, spec });
  const processId = process?.processId ?? '';
  let over = false;
  const stopped = harness.runlet.shutdown().then(() => {
    over = true;
  });
  return { ...harness, processId, stopped, isOver: () => over };
}

async function outputOf({ processes, processId, sessionId }: Harness & { processId: string }) {
  let output = '';
  for await (const { events } of processes.watchProcess({ sessionId, processId })) {
    for (const { event } of events) {
      if (event.case === 'output') output += Buffer.from(event.value.data).toString();
      if (event.case === 'closed') return output;
    }
  }
  return output;
}

describe('a server that drains', () => {
  it('lets sessions and processes go on where it is to wait, and begins nothing new', async () => {
    const drain = await draining({ drain: 'wait', drainMs: LONG_MS });
    const { connection, isOver, processId, processes, sessionId, sessions, stopped } = drain;
    const health = createClient(Health, connection);
    const { statuses } = await health.list({});
    for (const { status } of Object.values(statuses))
      expect(status).toBe(ServingStatus.NOT_SERVING);
    expect((await failureOf(sessions.createSession({}))).summary).toBe(DRAINING);
    const spec = { argv: ['true'] };
    expect((await failureOf(processes.startProcess({ sessionId, spec }))).summary).toBe(DRAINING);
    await processes.writeStdin({ sessionId, processId, data: Buffer.from('late'), eof: true });
    expect(await outputOf(drain)).toBe('late');
    const until = WaitUntil.CLOSED;
    const { process } = await processes.waitProcess({ sessionId, processId, until });
    expect(process?.status?.status).toMatchObject({ case: 'code', value: 0 });
    expect(isOver()).toBe(false);
    await sessions.closeSession({ sessionId });
    await stopped;
  });

  it('ends what is left when the time is over', async () => {
    const drain = await draining({ drain: 'wait', drainMs: 300, shutdownGraceMs: 0 });
    await drain.stopped;
    expect(drain.log.some((line) => line.includes('shut down'))).toBe(true);
  });

  it('waits no longer where somebody is in a hurry', async () => {
    const drain = await draining({ drain: 'wait', drainMs: LONG_MS });
    await drain.processes.getProcess(drain);
    drain.runlet.hurry();
    await drain.stopped;
  });

  it('kills what was left of a call, too, where somebody is in a hurry', async () => {
    const harness = await startHarness({ shutdownGraceMs: LONG_MS });
    const left = "(trap '' TERM; while :; do sleep 1; done) >/dev/null 2>&1 &";
    const spec = { argv: ['/bin/sh', '-c', `${left} echo $!`], env: { PATH } };
    let output = '';
    for await (const { events } of harness.processes.run({ spec })) {
      for (const { event } of events) {
        if (event.case === 'output') output += Buffer.from(event.value.data).toString();
      }
    }
    const pid = Number(output);
    expect(isAlive(pid)).toBe(true);
    const stopped = harness.runlet.shutdown();
    harness.runlet.hurry();
    await stopped;
    expect(isAlive(pid)).toBe(false);
  });

  it('ends processes at once where it is to, and lets be read what came of them', async () => {
    const harness = await startHarness({ drain: 'terminate', drainMs: LONG_MS });
    const { processes, runlet, sessionId, sessions } = harness;
    const spec = { argv: ['/bin/sh', '-c', 'echo begun; exec sleep 3600'], env: { PATH } };
    const { process } = await processes.startProcess({ sessionId, spec });
    const processId = process?.processId ?? '';
    // It has begun.
    await expect
      .poll(async () => (await processes.getProcess({ sessionId, processId })).process?.lastSeq)
      .toBeGreaterThan(1n);
    const stopped = runlet.shutdown();
    expect(await outputOf({ ...harness, processId })).toBe('begun\n');
    const got = await processes.getProcess({ sessionId, processId });
    expect(got.process?.processId).toBe(processId);
    await sessions.closeSession({ sessionId });
    await stopped;
  });
});

import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createClient } from '../../src/bridge/create-client.ts';
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../src/gen/grpc/health/v1/health_pb.ts';
import { followMark } from '../../src/server/high-water.ts';
import { Readiness } from '../../src/server/readiness.ts';
import { failureOf } from '../support/failure.ts';
import { type Harness, startHarness, temporaryFolder } from '../support/harness.ts';
import { PATH } from '../support/shell.ts';

const { NOT_SERVING, SERVING } = ServingStatus;

/** What health says: of the server as a whole, of sessions, of processes. */
async function statuses({ connection }: Pick<Harness, 'connection'>) {
  const health = createClient(Health, connection);
  const names = ['', 'runlet.v1.SessionService', 'runlet.v1.ProcessService'];
  return Promise.all(names.map(async (service) => (await health.check({ service })).status));
}

const READY = [SERVING, SERVING, SERVING];

/** What is there goes on. */
const NO_NEW_WORK = [NOT_SERVING, NOT_SERVING, SERVING];

describe('readiness', () => {
  it('is told at each change, with all reasons, and not without one', () => {
    const readiness = new Readiness();
    const told: string[] = [];
    const leave = readiness.follow(({ reasons }) => told.push(reasons.join(' ')));
    readiness.set('memory', true);
    readiness.set('memory', true);
    readiness.set('audit', true);
    readiness.set('memory', false);
    readiness.set('draining', false);
    readiness.set('audit', false);
    leave();
    readiness.set('draining', true);
    expect(told).toEqual(['memory', 'memory audit', 'audit', '']);
    expect(readiness.current).toEqual({ ready: false, reasons: ['draining'] });
  });

  it.each([
    [10, [9, 10, 12, 10, 9.5, 9, 9.5, 10], [1, 0, 0, 0, 0, 1, 1, 0]],
    [1, [0, 1, 1, 0], [1, 0, 0, 1]],
    [3, [2, 3, 2, 3], [1, 0, 1, 0]],
    [Number.POSITIVE_INFINITY, [0, 1e15], [1, 1]],
  ])('comes back a tenth below a mark of %d', (mark, values, expected) => {
    const readiness = new Readiness();
    const follow = followMark(readiness, 'sessions', mark);
    const found = values.map((value) => {
      follow.tell(value);
      return Number(readiness.current.ready);
    });
    expect(found).toEqual(expected);
  });

  it('ends with the session that reaches the mark, before one is refused, and comes back', async () => {
    const harness = await startHarness({ highWater: { sessions: 3 }, limits: { maxSessions: 4 } });
    const { connection, log, sessions } = harness;
    const watch = createClient(Health, connection).watch({ service: '' })[Symbol.asyncIterator]();
    expect((await watch.next()).value?.status).toBe(SERVING);
    await sessions.createSession({});
    expect(await statuses(harness)).toEqual(READY);
    const { session } = await sessions.createSession({});
    expect(await statuses(harness)).toEqual(NO_NEW_WORK);
    expect((await watch.next()).value?.status).toBe(NOT_SERVING);
    await sessions.createSession({});
    expect((await failureOf(sessions.createSession({}))).summary).toBe(
      'RESOURCE_EXHAUSTED/LIMIT_EXCEEDED',
    );
    await sessions.closeSession({ sessionId: session?.sessionId ?? '' });
    expect(await statuses(harness)).toEqual(NO_NEW_WORK);
    await sessions.closeSession({ sessionId: harness.sessionId });
    expect(await statuses(harness)).toEqual(READY);
    expect((await watch.next()).value?.status).toBe(SERVING);
    await watch.return?.();
    const told = log.filter((line) => line.includes('ready for new work'));
    expect(told).toHaveLength(2);
    expect(told[0]).toContain('"reasons":["sessions"]');
  });

  it('ends where so much memory is used already', async () => {
    const harness = await startHarness({ highWater: { memoryBytes: 1024 * 1024 } });
    expect(await statuses(harness)).toEqual(NO_NEW_WORK);
    // Nothing is refused for that.
    await harness.sessions.createSession({});
  });

  it('ends while the folder for state cannot be written, and comes back', async () => {
    const folder = await temporaryFolder();
    const stateFolder = join(folder, 'state');
    const harness = await startHarness({ stateFolder });
    expect(await statuses(harness)).toEqual(READY);
    const away = join(folder, 'away');
    await rename(stateFolder, away);
    await expect.poll(() => statuses(harness)).toEqual(NO_NEW_WORK);
    expect(harness.runlet.readiness.current.reasons).toContain('state-folder');
    await rename(away, stateFolder);
    await expect.poll(() => statuses(harness)).toEqual(READY);
  });

  it('ends with the first output that cannot be written, and comes back though none follows', async () => {
    const folder = await temporaryFolder();
    const stateFolder = join(folder, 'state');
    const harness = await startHarness({ stateFolder, limits: { outputMemoryBytes: 256 * 1024 } });
    const { processes, runlet, sessionId } = harness;
    const away = join(folder, 'away');
    await rename(stateFolder, away);
    await writeFile(stateFolder, '');
    const spec = { argv: ['head', '-c', '8388608', '/dev/zero'], env: { PATH } };
    await processes.startProcess({ sessionId, spec });
    await expect.poll(() => runlet.readiness.current.reasons).toContain('output-files');
    await rm(stateFolder);
    await rename(away, stateFolder);
    await expect.poll(() => statuses(harness)).toEqual(READY);
  });
});

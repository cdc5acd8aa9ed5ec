import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import { failureOf } from '../support/failure.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { HeldLauncher } from '../support/held-launcher.ts';
import { shellSpec, startShell } from '../support/shell.ts';

/** A script that leaves a line for every time it runs. */
const COUNTED = 'echo ran >> runs';

async function runs({ folder }: Harness): Promise<number> {
  return (await readFile(join(folder, 'runs'), 'utf8')).trimEnd().split('\n').length;
}

describe('two starts with one id', () => {
  it('at the same time give one process', async () => {
    const launcher = new HeldLauncher();
    const harness = await startHarness({ launcher });
    const { processes, sessionId } = harness;
    const start = (): Promise<unknown> =>
      processes.startProcess({ sessionId, processId: 'one', spec: shellSpec(COUNTED) });
    const first = start();
    await launcher.asked.wait();
    expect((await failureOf(start())).summary).toBe('ALREADY_EXISTS/PROCESS_EXISTS');
    launcher.gate.open();
    await first;
    await processes.waitProcess({ sessionId, processId: 'one' });
    expect(await runs(harness)).toBe(1);
  });

  it('give the id back when the first one fails', async () => {
    const harness = await startHarness();
    const { processes, sessionId } = harness;
    const spec = { argv: ['/nonexistent'] };
    const failed = await failureOf(processes.startProcess({ sessionId, processId: 'one', spec }));
    expect(failed.summary).toBe('FAILED_PRECONDITION/START_FAILED');
    await startShell(harness, 'true', {}, 'one');
  });
});

describe('a start that is retried with its request_id', () => {
  it('gives the process that runs, in parallel and later', async () => {
    const launcher = new HeldLauncher();
    const harness = await startHarness({ launcher });
    const { processes, sessionId } = harness;
    const start = (): ReturnType<typeof processes.startProcess> =>
      processes.startProcess({ sessionId, requestId: 'r', spec: shellSpec(COUNTED) });
    const first = start();
    await launcher.asked.wait();
    const second = start();
    launcher.gate.open();
    const ids = (await Promise.all([first, second])).map(({ process }) => process?.processId ?? '');
    expect(ids[0]).toBe(ids[1]);
    await processes.waitProcess({ sessionId, processId: ids[0] ?? '' });
    expect((await start()).process?.processId).toBe(ids[0]);
    expect(await runs(harness)).toBe(1);
  });

  it('is refused with another spec, another process_id, and by an id in use', async () => {
    const harness = await startHarness();
    const { processes, sessionId } = harness;
    const request = { sessionId, processId: 'one', requestId: 'r', spec: shellSpec(COUNTED) };
    await processes.startProcess(request);
    const otherSpec = { ...request, spec: shellSpec('true') };
    const otherId = { ...request, processId: 'two' };
    const otherRequest = { ...request, requestId: 's' };
    const noRequest = { ...request, requestId: '' };
    const summaries = [];
    for (const other of [otherSpec, otherId, otherRequest, noRequest]) {
      summaries.push((await failureOf(processes.startProcess(other))).summary);
    }
    expect(summaries).toEqual([
      'ALREADY_EXISTS/REQUEST_MISMATCH',
      'ALREADY_EXISTS/REQUEST_MISMATCH',
      'ALREADY_EXISTS/PROCESS_EXISTS',
      'ALREADY_EXISTS/PROCESS_EXISTS',
    ]);
    await processes.waitProcess(request);
    expect(await runs(harness)).toBe(1);
  });

  it('does not care in which order maps are encoded', async () => {
    const harness = await startHarness();
    const { processes, sessionId } = harness;
    const start = (env: Record<string, string>): ReturnType<typeof processes.startProcess> =>
      processes.startProcess({ sessionId, requestId: 'r', spec: { argv: ['/bin/true'], env } });
    const first = await start({ A: '1', B: '2' });
    const second = await start({ B: '2', A: '1' });
    expect(second.process?.processId).toBe(first.process?.processId);
  });

  it('does not run the command again after the process was evicted', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock });
    const { processes, sessionId } = harness;
    const request = { sessionId, processId: 'one', requestId: 'r', spec: shellSpec(COUNTED) };
    await processes.startProcess(request);
    await processes.waitProcess(request);
    clock.advance(DEFAULT_LIMITS.defaultRetentionMs);
    expect((await failureOf(processes.startProcess(request))).summary).toBe(
      'NOT_FOUND/PROCESS_EVICTED',
    );
    expect(await runs(harness)).toBe(1);
  });

  it('may try again what failed', async () => {
    const harness = await startHarness();
    const { processes, sessionId } = harness;
    const request = { sessionId, requestId: 'r', spec: { argv: ['./program'] } };
    expect((await failureOf(processes.startProcess(request))).summary).toBe(
      'FAILED_PRECONDITION/START_FAILED',
    );
    await processes.waitProcess(
      await startShell(harness, 'printf "#!/bin/sh\n" > program; chmod +x program'),
    );
    await processes.startProcess(request);
  });
});

describe('a limit', () => {
  it('of processes counts retained ones, and names itself', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock, limits: { maxProcesses: 2 } });
    const { processes } = harness;
    const first = await startShell(harness, 'true');
    const second = await startShell(harness, 'true');
    for (const target of [first, second]) await processes.waitProcess(target);
    const failure = await failureOf(startShell(harness, 'true'));
    expect(failure.summary).toBe('RESOURCE_EXHAUSTED/LIMIT_EXCEEDED');
    expect(failure.info?.metadata).toEqual({ limit: 'max_processes', maximum: '2' });
    clock.advance(DEFAULT_LIMITS.defaultRetentionMs);
    await startShell(harness, 'true');
  });

  it('of sessions names itself, and does not count closed ones', async () => {
    const { sessionId, sessions } = await startHarness({ limits: { maxSessions: 2 } });
    await sessions.createSession({});
    const failure = await failureOf(sessions.createSession({}));
    expect(failure.summary).toBe('RESOURCE_EXHAUSTED/LIMIT_EXCEEDED');
    expect(failure.info?.metadata).toEqual({ limit: 'max_sessions', maximum: '2' });
    await sessions.closeSession({ sessionId });
    await sessions.createSession({});
  });
});
